//! Finds a job of Flyte or of a schedule that waits for somebody else to submit it.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG713",
    title: "RayJobs of Flyte and of schedules need a submissionMode that submits them",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("interactive_flyte.md"),
    evidence: &[Evidence::Reason(
        "nobody submits the job of a schedule or of Flyte, whose Ray plugin does not know the status `Waiting`",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mode = job.submission_mode();
    if !matches!(mode, "InteractiveMode" | "UserMode") {
        return;
    }
    let problem = if flyte::made_by_flyte(job) {
        "nobody submits Flyte's job, and Flyte does not know the status Waiting"
    } else if !job.cron_job().is_empty() {
        "each RayJob of the schedule waits until a user sets its jobId, and its cluster keeps running"
    } else {
        return;
    };
    findings.push(
        Finding::new(job.job_path("submissionMode"), format!("{mode}: {problem}")).fix("leave submissionMode out"),
    );
}
