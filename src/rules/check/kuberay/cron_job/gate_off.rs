//! Finds a RayCronJob where its feature gate is off.

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::super::gate_off;

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

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    findings.push(gate_off(
        cx,
        Path::of(["kind"]),
        &format!("a {}", job.kind.name),
        GATE,
        "create a RayJob",
    ));
}
