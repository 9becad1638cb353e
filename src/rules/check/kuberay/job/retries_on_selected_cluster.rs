//! Finds a `backoffLimit` above 0 beside a `clusterSelector`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG124",
    title: "backoffLimit must be 0 with clusterSelector",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("retries_on_selected_cluster.md"),
    evidence: &[validation(&[576])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let limit = job.number("backoffLimit").unwrap_or(0);
    if limit > 0 && job.selects_cluster() {
        findings.push(
            Finding::new(
                job.job_path("backoffLimit"),
                format!("backoffLimit {limit} with clusterSelector, KubeRay refuses that"),
            )
            .fix("set backoffLimit to 0")
            .flyte(format!("@task(retries={limit})")),
        );
    }
}
