//! # What it does
//! Finds pods with `hostNetwork: true`.
//!
//! # Why it is bad
//! Two Ray pods on one node then want the same ports: the second dashboard agent finds 52365 taken, and the job cannot be
//! submitted (ray-project/ray#55638). The pod also sees the node's own network, past every NetworkPolicy. Every KubeRay release.
//!
//! # What fixes it
//! Leave `hostNetwork` out of the pod template. NCCL over InfiniBand or EFA needs the device, not the host's network.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {hostNetwork: true}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {hostNetwork: false}}}]}}
//! ```

use serde_json::Value;

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG604",
    title: "a pod in the node's network",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("host_network.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        if pod.spec.get("hostNetwork") == Some(&Value::Bool(true)) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("hostNetwork"),
                    format!(
                        "{}: hostNetwork, Ray's ports clash with those of other pods on the node",
                        pod.title()
                    ),
                )
                .fix("leave hostNetwork out")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
