//! # What it does
//! Finds a RayJob of Flyte's that waits for somebody else to submit it: `InteractiveMode`, called `UserMode` in KubeRay 1.2.
//!
//! # Why it is bad
//! The job waits for a `jobId` that nobody gives it, with its cluster up; the active deadline does not count meanwhile. Its status
//! is `Waiting`, which Flyte does not know, so that its plugin reports an error (flyteplugins, `ray.go`). KubeRay 1.2 and
//! later.
//!
//! # What fixes it
//! Leave `submissionMode` out. Flyte itself sends `K8sJobMode`, `HTTPMode` or `SidecarMode`, so a policy or another webhook has
//! set it.
//!
//! # Fails
//! ```yaml
//! metadata: {labels: {project: ml, domain: production, task-name: train}}
//! spec: {submissionMode: InteractiveMode}
//! ```
//!
//! # Passes
//! ```yaml
//! metadata: {labels: {project: ml, domain: production, task-name: train}}
//! spec: {submissionMode: HTTPMode}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG713",
    title: "a job of Flyte's that nobody submits",
    action: Action::Warn,
    fixes: false,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("interactive_flyte.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let mode = job.submission_mode();
    if matches!(mode, "InteractiveMode" | "UserMode") && flyte::made_by_flyte(job) {
        findings.push(
            Finding::new(
                Path::of(["spec", "submissionMode"]),
                format!("{mode}: nobody submits Flyte's job, and Flyte does not know the status Waiting"),
            )
            .fix("leave submissionMode out"),
        );
    }
}
