//! Finds a RayJob with `suspend: true` that does not shut its cluster down.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG103",
    title: "A suspended RayJob must set shutdownAfterJobFinishes",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("suspended_without_shutdown.md"),
    evidence: &[validation(&[548])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.flag("suspend") && !job.flag("shutdownAfterJobFinishes") {
        findings.push(
            Finding::new(
                job.job_path("shutdownAfterJobFinishes"),
                "suspended without shutdown, KubeRay never starts the job",
            )
            .fix("set shutdownAfterJobFinishes to true")
            .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
        );
    }
}
