//! Finds `upgradeStrategy.type` in `rayClusterSpec`.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, Workload, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{cluster_field, cluster_path, given, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG181",
    title: "an upgrade strategy in a RayJob",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("upgrade_strategy.md"),
    evidence: &[validation(&[53])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let kind = cluster_field(job, "upgradeStrategy").and_then(|strategy| given(strategy, "type"));
    if let Some(kind) = kind.filter(|_| !job.selects_cluster()) {
        findings.push(
            Finding::new(
                cluster_path("upgradeStrategy").key("type"),
                format!(
                    "upgradeStrategy {} in a RayJob, its cluster never starts",
                    quoted(&flyte::shown(kind))
                ),
            )
            .fix("remove upgradeStrategy"),
        );
    }
}
