//! Finds a RayCluster, or a RayJob with a copy of its cluster's status, that has both conditions, `RayClusterSuspending` and
//! `RayClusterSuspended`.

use crate::json::Array;
use crate::k8s::json::{below, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::kind::RAY_JOB;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG182",
    title: "A RayCluster must not be both suspending and suspended",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster"]),
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("suspending_and_suspended.md"),
    evidence: &[validation(&[27])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let (keys, name): (&[&'static str], _) = if job.kind.is(&RAY_JOB) {
        (&["status", "rayClusterStatus", "conditions"], "RayJob")
    } else {
        (&["status", "conditions"], "RayCluster")
    };
    let conditions = below(job.object, keys).as_array().unwrap_or(Array::EMPTY);
    let holds = |kind: &str| {
        conditions
            .iter()
            .find(|condition| text(*condition, "type") == Some(kind))
            .is_some_and(|condition| text(condition, "status") == Some("True"))
    };
    if !job.selects_cluster() && holds("RayClusterSuspending") && holds("RayClusterSuspended") {
        findings.push(
            Finding::new(
                Path::from_keys(keys),
                "the cluster is both suspending and suspended, KubeRay leaves it alone",
            )
            .fix(format!("delete the {name} and create it anew")),
        );
    }
}
