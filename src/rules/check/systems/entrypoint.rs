//! Finds a RayJob with an empty `entrypoint`, unless somebody else submits the job.

use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG703",
    title: "A RayJob needs an entrypoint",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("entrypoint.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/dashboard/modules/job/cli.py",
        &[209],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let submits_itself = matches!(job.submission_mode(), "InteractiveMode" | "UserMode");
    let entrypoint = text(job.spec, "entrypoint").unwrap_or_default();
    if !job.spec.is_object() || submits_itself || !entrypoint.trim().is_empty() || !super::runs_kuberays_command(job) {
        return;
    }
    let finding = Finding::new(job.job_path("entrypoint"), "no entrypoint, the job has nothing to run")
        .fix("set entrypoint to the command to run");
    // In HTTPMode, Ray takes the empty command, and the job succeeds at once.
    findings.push(if super::submits_by_command(job) {
        finding
    } else {
        finding.warn_only()
    });
}
