//! Finds a RayJob whose copy of its cluster's status has both conditions, `RayClusterSuspending` and
//! `RayClusterSuspended`.

use crate::k8s::json::{given, items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG182",
    title: "the cluster is both suspending and suspended",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob"]),
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("suspending_and_suspended.md"),
    evidence: &[validation(&[27])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(cluster) = given(job.object, "status").and_then(|status| given(status, "rayClusterStatus")) else {
        return;
    };
    let holds = |kind: &str| {
        items(cluster, "conditions")
            .iter()
            .find(|condition| text(*condition, "type") == Some(kind))
            .is_some_and(|condition| text(condition, "status") == Some("True"))
    };
    if !job.selects_cluster() && holds("RayClusterSuspending") && holds("RayClusterSuspended") {
        findings.push(
            Finding::new(
                Path::of(["status", "rayClusterStatus", "conditions"]),
                "the cluster is both suspending and suspended, KubeRay leaves it alone",
            )
            .fix("delete the RayJob and create it anew"),
        );
    }
}
