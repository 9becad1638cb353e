//! Finds a RayJob with `suspend: true` that selects an existing cluster.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG120",
    title: "A RayJob with clusterSelector must not be suspended",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("suspended_on_selected_cluster.md"),
    evidence: &[validation(&[562])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.flag("suspend") && job.selects_cluster() {
        findings.push(
            Finding::new(
                job.job_path("suspend"),
                "suspended on a selected cluster, KubeRay refuses that",
            )
            .fix("remove clusterSelector, or set suspend to false"),
        );
    }
}
