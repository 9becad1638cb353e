//! Finds start parameters that KubeRay sets itself.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Role, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG510",
    title: "rayStartParams should not set what KubeRay sets",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("reserved_parameters.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1345],
    )],
    run,
};

const RESERVED: [&str; 5] = ["address", "autoscaling-config", "block", "head", "no-monitor"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(params) = pod.start_params() else { continue };
        for key in RESERVED {
            let Some(value) = params.get(key).filter(|value| !value.is_null()) else {
                continue;
            };
            let effect = match (key, pod.role) {
                ("block" | "no-monitor", _) if value == "true" => continue,
                ("block", _) => "is overwritten by KubeRay",
                ("address", Role::Worker) => "makes the workers join another cluster",
                ("address", _) => "is none for a head",
                ("head", Role::Worker) => "makes each worker start a cluster of its own",
                ("head", _) if value == "true" => continue,
                ("head", _) => "is set by KubeRay",
                _ => "starts a second autoscaler beside KubeRay's",
            };
            findings.push(
                Finding::new(
                    pod.group_path().keys(["rayStartParams", key]),
                    format!("{}: start parameter {key} {effect}", pod.title()),
                )
                .fix(format!("leave {key} out of rayStartParams"))
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}
