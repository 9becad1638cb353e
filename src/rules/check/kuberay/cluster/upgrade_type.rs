//! Finds an `upgradeStrategy.type` that KubeRay does not know.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG173",
    title: "upgradeStrategy.type of a RayCluster must be Recreate or None",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCluster"]),
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("upgrade_type.md"),
    evidence: &[validation(&[43, 46])],
    run,
};

/// The types that KubeRay knows.
const TYPES: [&str; 2] = ["Recreate", "None"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(strategy) = job.cluster_field("upgradeStrategy") else {
        return;
    };
    if let Some(kind) = text(strategy, "type").filter(|kind| !TYPES.contains(kind)) {
        findings.push(
            Finding::new(
                job.cluster_path("upgradeStrategy").key("type"),
                format!(
                    "upgradeStrategy.type {} is unknown, KubeRay creates no pods",
                    quoted(kind)
                ),
            )
            .fix("write `Recreate` or `None`"),
        );
    }
}
