//! # What it does
//! Finds an init container that asks for accelerators.
//!
//! # Why it is bad
//! Some device managers hand the devices out for the init container and refuse the main one with `UnexpectedAdmissionError`,
//! and GKE Autopilot refuses such pods. Seen in ray-project/kuberay#1414.
//!
//! # What fixes it
//! Take them out of the init container; what must run with a GPU can run at the start of the task.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {initContainers: [{name: warm, resources: {limits: {nvidia.com/gpu: "1"}}}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {initContainers: [{name: warm, resources: {limits: {cpu: "1"}}}]}}}}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG315",
    title: "an init container asks for accelerators",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("init_accelerators.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.init() {
            for device in devices(cx, container) {
                findings.push(
                    Finding::new(
                        resource_path(pod, container, device.key),
                        format!(
                            "{} asks for {}, device managers may then refuse the pod",
                            place(pod, container),
                            named(device.key)
                        ),
                    )
                    .fix("take the accelerator out of the init container")
                    .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
                );
            }
        }
    }
}
