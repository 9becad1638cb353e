//! Finds `upgradeStrategy.type` in `rayClusterSpec`.

use crate::diag::quoted;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG181",
    title: "an upgrade strategy in a RayJob",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayService", "RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("upgrade_strategy.md"),
    evidence: &[validation(&[53])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let kind = job
        .cluster_field("upgradeStrategy")
        .and_then(|strategy| given(strategy, "type"));
    if let Some(kind) = kind.filter(|_| !job.selects_cluster()) {
        findings.push(
            Finding::new(
                job.cluster_path("upgradeStrategy").key("type"),
                format!(
                    "upgradeStrategy {} in a RayJob, its cluster never starts",
                    quoted(&flyte::shown(kind))
                ),
            )
            .fix("remove upgradeStrategy"),
        );
    }
}
