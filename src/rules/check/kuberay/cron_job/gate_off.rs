//! Finds a RayCronJob where its feature gate is off.

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG196",
    title: "RayCronJobs need the feature gate RayCronJob",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6).gated(GATE, false),
    page: include_str!("gate_off.md"),
    evidence: &[Evidence::Source("KubeRay 1.7.0", "ray-operator/main.go", &[353])],
    run,
};

const GATE: &str = "RayCronJob";

fn run(cx: &Cx<'_>, _: &Workload<'_>, findings: &mut Findings) {
    let path = Path::of(["kind"]);
    findings.push(if cx.platform.feature_gates.contains_key(GATE) {
        Finding::new(path, format!("the feature gate {GATE} is off, KubeRay never runs this"))
            .fix("have the gate turned on, or create a RayJob")
    } else {
        Finding::new(
            path,
            format!("KubeRay runs this only with the feature gate {GATE}, which is off by default"),
        )
        .fix("have the gate turned on, and list it in the Platform")
        .warn_only()
    });
}
