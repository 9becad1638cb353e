//! Finds a RayJob that waits for its user to submit the job, and is not in `InteractiveMode`.

use crate::k8s::json::{given, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG134",
    title: "The submissionMode of a waiting RayJob must not change",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob"]),
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("waiting_in_another_mode.md"),
    evidence: &[validation(&[528])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let interactive = match cx.kuberay() {
        KubeRay::V1_2 => "UserMode",
        _ => "InteractiveMode",
    };
    let is_waiting = given(job.object, "status")
        .and_then(|status| text(status, "jobDeploymentStatus"))
        .is_some_and(|status| status == "Waiting");
    if is_waiting && job.submission_mode() != interactive {
        findings.push(
            Finding::new(
                job.job_path("submissionMode"),
                format!("the job waits for its user, only {interactive} may do that"),
            )
            .fix(format!(
                "set submissionMode back to {interactive}, or delete the RayJob and create it anew"
            )),
        );
    }
}
