//! # What it does
//! Finds pods with `nodeName`.
//!
//! # Why it is bad
//! The pod skips the scheduler and starts on the node that it names. Taints such as `NoSchedule`, queues and priorities do
//! not apply to it. If the node has no room, the kubelet rejects the pod, and KubeRay creates it again. Every KubeRay release.
//!
//! # What fixes it
//! Use `nodeSelector` or node affinity. To reject such jobs, set `actions: {RG612: Deny}` in a policy.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {nodeName: gpu-node-1}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {nodeSelector: {kubernetes.io/hostname: gpu-node-1}}}}]}}
//! ```

use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::job::text;
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG612",
    title: "Pods must be placed by a scheduler",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("node_name.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        if let Some(node) = text(pod.spec, "nodeName").filter(|node| !node.is_empty()) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("nodeName"),
                    format!(
                        "{}: nodeName is {}, so the pod skips the scheduler, taints and queues",
                        pod.title(),
                        quoted(node)
                    ),
                )
                .fix("use nodeSelector")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
