//! # What it does
//! Finds a pod whose Ray container, the first, asks for no accelerator while another of its containers does.
//!
//! # Why it is bad
//! Devices belong to the container that asks for them. Ray runs in the first container and sees none; KubeRay reads its
//! resources alone, in every release. The GPU stands idle, and tasks that want it wait for ever.
//!
//! # What fixes it
//! Ask for it in the Ray container: `WorkerNodeConfig(requests=Resources(gpu="1"))`, or name that container `ray-worker` in
//! the pod template.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: [{}, {name: cuda, resources: {limits: {nvidia.com/gpu: "1"}}}]}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: "1"}}}, {name: metrics, resources: {limits: {cpu: "1"}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::resources::{named, place};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG319",
    title: "the GPU is in another container than Ray",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("sidecar_accelerators.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        if pod.main().is_none_or(|ray| devices(cx, ray).next().is_some()) {
            continue;
        }
        let elsewhere = pod
            .running()
            .find_map(|container| Some((container, devices(cx, container).next()?)));
        let Some((container, device)) = elsewhere else { continue };
        findings.push(
            Finding::new(
                resource_path(pod, container, device.key),
                format!(
                    "{} asks for {}, Ray's own container has none",
                    place(pod, container),
                    named(device.key)
                ),
            )
            .fix("ask for the accelerator in the first container")
            .flyte(flyte::resource_setting(pod, "requests", device.key, &device.seen())),
        );
    }
}
