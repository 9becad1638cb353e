//! # What it does
//! Looks at a RayJob for the KAI scheduler: one whose pods name `schedulerName: kai-scheduler`, or that has the label
//! `kai.scheduler/queue`. It must have that label, and another `submissionMode` than `K8sJobMode`.
//!
//! # Why it is bad
//! Without the label the pods wait for ever, and only KubeRay's log says so. KubeRay's integration of KAI refuses
//! `K8sJobMode`, because the submitter would not be part of the gang.
//!
//! # What fixes it
//! The label on the RayJob, which a policy can set for all (`defaults.job.labels`), and `HTTPMode` or, from KubeRay 1.5 on,
//! `SidecarMode`, which in Flyte is the platform's configuration.
//!
//! # Fails
//! ```yaml
//! spec: {submissionMode: HTTPMode, rayClusterSpec: {headGroupSpec: {template: {spec: {schedulerName: kai-scheduler}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! metadata: {labels: {kai.scheduler/queue: gpu}}
//! spec: {submissionMode: HTTPMode, rayClusterSpec: {headGroupSpec: {template: {spec: {schedulerName: kai-scheduler}}}}}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::job::text;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG710",
    title: "the KAI scheduler would not take the job",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("kai.rs"),
    run,
};

const QUEUE: &str = "kai.scheduler/queue";

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let has_queue = job.label(QUEUE).is_some_and(|queue| !queue.is_empty());
    let named = job
        .ray_pods()
        .find(|pod| text(pod.spec, "schedulerName") == Some("kai-scheduler"));
    if let Some(pod) = named.filter(|_| !has_queue) {
        findings.push(
            Finding::new(
                pod.spec_path().then_key("schedulerName"),
                format!("{}: the KAI scheduler waits for ever without a queue", pod.title()),
            )
            .fix("give the RayJob the label kai.scheduler/queue"),
        );
    }
    if (has_queue || named.is_some()) && job.submission_mode() == "K8sJobMode" && job.spec.is_object() {
        findings.push(
            Finding::new(
                Path::of(["spec", "submissionMode"]),
                "K8sJobMode: KubeRay refuses it with the KAI scheduler",
            )
            .fix("use HTTPMode, or from KubeRay 1.5 on SidecarMode"),
        );
    }
}
