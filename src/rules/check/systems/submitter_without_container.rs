//! Finds a submitter pod template without any container.

use crate::policy::settings::Action;
use crate::ray::kind::SUBMITTER;
use crate::ray::workload::K8S_JOB_MODE;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG735",
    title: "A submitter pod template needs a container",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter_without_container.md"),
    evidence: &[
        Evidence::Source(
            "KubeRay 1.1.0",
            "ray-operator/controllers/ray/rayjob_controller.go",
            &[377],
        ),
        Evidence::Source(
            "KubeRay 1.6.2",
            "ray-operator/controllers/ray/rayjob_controller.go",
            &[584],
        ),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_used = job.submission_mode() == K8S_JOB_MODE;
    let submitters = job.pods.iter().filter(|pod| is_used && pod.role == Role::Submitter);
    for pod in submitters.filter(|pod| pod.main().is_none()) {
        let message = "submitter: no container to submit the job from, KubeRay fails again and again".to_owned();
        findings.push(
            Finding::new(pod.spec_path().then_key("containers"), message)
                .fix(format!("give {SUBMITTER} a container, or remove it")),
        );
    }
}
