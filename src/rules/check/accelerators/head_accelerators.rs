//! # What it does
//! Finds a head that asks for accelerators while there are worker groups.
//!
//! # Why it is bad
//! The head coordinates; tasks run on the workers. Ray may place a task on its GPU, and beside it the head's own processes
//! compete for memory; most often the GPU stands idle for the whole job. Flyte copies what the task asks for to the head
//! too. Seen in flyteorg/flyte#4377. KubeRay accepts it in every release.
//!
//! # What fixes it
//! Give the head resources of its own: `HeadNodeConfig(requests=Resources(cpu="4", mem="16Gi"))`. Where the GPU is meant, as
//! for a driver that trains, a policy sets the action of this code to `Ignore` for that task.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: "1"}}}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: "1"}}}]}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::facts::size;
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{devices, resource_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG303",
    title: "the head asks for accelerators",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("head_accelerators.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head().filter(|_| job.workers().next().is_some()) else {
        return;
    };
    let asked = head
        .running()
        .find_map(|container| Some((container, devices(cx, container).next()?)));
    let Some((container, device)) = asked else { return };
    findings.push(
        Finding::new(
            resource_path(head, container, device.key),
            format!(
                "head: {} {} for a pod that only coordinates, most often idle",
                device.seen(),
                named(device.key)
            ),
        )
        .fix("ask for accelerators in the worker groups only")
        .flyte("HeadNodeConfig(requests=Resources(cpu=\"4\", mem=\"16Gi\"))")
        .weight(size(head, &cx.platform.devices()).gpus),
    );
}
