//! Finds a RayJob of Flyte's that waits for somebody else to submit it.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG713",
    title: "RayJobs of Flyte need a submissionMode that submits them",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("interactive_flyte.md"),
    evidence: &[Evidence::Reason(
        "nobody submits the job, and the Ray plugin of Flyte does not know the status `Waiting`",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mode = job.submission_mode();
    if matches!(mode, "InteractiveMode" | "UserMode") && flyte::made_by_flyte(job) {
        findings.push(
            Finding::new(
                job.job_path("submissionMode"),
                format!("{mode}: nobody submits Flyte's job, and Flyte does not know the status Waiting"),
            )
            .fix("leave submissionMode out"),
        );
    }
}
