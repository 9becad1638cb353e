//! Looks at a RayJob for the KAI scheduler.

use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Pod, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG710",
    title: "Jobs for the KAI scheduler need a queue and a supported submissionMode",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("kai.md"),
    evidence: &[Evidence::Reason(
        "KubeRay rejects the job only if its operator runs with the batch scheduler `kai-scheduler`, which raygate cannot see",
    )],
    run,
};

const QUEUE: &str = "kai.scheduler/queue";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let has_queue = job.label(QUEUE).is_some_and(|queue| !queue.is_empty());
    let without_queue = job
        .ray_pods()
        .find(|pod| is_kais(pod) && !has_queue && !names_queue(pod));
    if let Some(pod) = without_queue {
        findings.push(
            Finding::new(
                pod.spec_path().then_key("schedulerName"),
                format!(
                    "{}: schedulerName kai-scheduler without a queue; the pods stay pending",
                    pod.title()
                ),
            )
            .fix(format!("add the label kai.scheduler/queue to the {}", job.kind.name)),
        );
    }
    if (has_queue || job.ray_pods().any(is_kais))
        && cx.kuberay() >= KubeRay::V1_6
        && job.submission_mode() == "K8sJobMode"
        && job.spec.is_object()
    {
        findings.push(
            Finding::new(
                job.job_path("submissionMode"),
                "submissionMode K8sJobMode: KubeRay 1.6 and later reject it if their batchScheduler is kai-scheduler",
            )
            .fix("use HTTPMode or SidecarMode, or run the operator without batchScheduler.name=kai-scheduler"),
        );
    }
}

fn is_kais(pod: &Pod<'_>) -> bool {
    text(pod.spec, "schedulerName") == Some("kai-scheduler")
}

/// Whether the pod itself has KAI's label.
fn names_queue(pod: &Pod<'_>) -> bool {
    pod.label(QUEUE).is_some_and(|queue| !queue.is_empty())
}
