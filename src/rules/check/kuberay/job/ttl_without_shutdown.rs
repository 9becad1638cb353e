//! Finds a RayJob with a `ttlSecondsAfterFinished` above 0 that does not shut its cluster down.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG105",
    title: "ttlSecondsAfterFinished needs shutdownAfterJobFinishes",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("ttl_without_shutdown.md"),
    evidence: &[validation(&[754])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let ttl = job.number("ttlSecondsAfterFinished").unwrap_or(0);
    if ttl > 0 && !job.flag("shutdownAfterJobFinishes") {
        findings.push(
            Finding::new(
                job.job_path("ttlSecondsAfterFinished"),
                format!("a TTL of {ttl} s without shutdown, KubeRay never starts the job"),
            )
            .fix("set shutdownAfterJobFinishes to true, or leave the TTL out")
            .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
        );
    }
}
