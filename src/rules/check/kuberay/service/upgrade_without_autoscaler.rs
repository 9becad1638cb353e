//! Finds incremental upgrades without Ray's autoscaler.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{incremental, incremental_strategy};

/// The check.
pub const CHECK: Check = Check {
    code: "RG179",
    title: "Incremental upgrades need enableInTreeAutoscaling",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: incremental(KubeRay::V1_5),
    page: include_str!("upgrade_without_autoscaler.md"),
    evidence: &[validation(&[719])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if incremental_strategy(job).is_some() && !job.autoscales() {
        findings.push(
            Finding::new(
                job.nearest(job.cluster_path("enableInTreeAutoscaling")),
                "an incremental upgrade needs the Ray autoscaler, and enableInTreeAutoscaling is not true",
            )
            .fix("set enableInTreeAutoscaling to true, or use the upgrade type `NewCluster`"),
        );
    }
}
