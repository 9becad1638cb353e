//! Finds a submitter with a second container that runs beside the first.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::workload::K8S_JOB_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG732",
    title: "Every container of the submitter must end with the job",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter_sidecar.md"),
    evidence: &[Evidence::Reason(
        "a Kubernetes Job ends when all containers of its pod end, and only the container knows when it ends",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(submitter) = job.submitter().filter(|_| job.submission_mode() == K8S_JOB_MODE) else {
        return;
    };
    let keeps = if cx.kuberay() >= KubeRay::V1_4 {
        "keeps the cluster for 5 minutes after the job"
    } else {
        "keeps the cluster running indefinitely"
    };
    for sidecar in submitter.running().skip(1) {
        findings.push(
            Finding::new(
                submitter.container_path(sidecar),
                format!("submitter: if container {} does not end, it {keeps}", quoted(sidecar.name)),
            )
            .fix("make it an init container with restartPolicy Always, which Kubernetes ends with the pod, or leave it out"),
        );
    }
}
