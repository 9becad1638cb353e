//! # What it does
//! Finds a Ray container that requests memory and has no memory limit.
//!
//! # Why it is bad
//! KubeRay tells Ray of the memory in the limit and sizes `/dev/shm` by it; without one, Ray believes that it owns
//! the whole node, and the node's other pods pay. (KubeRay, `common/pod.go`.)
//!
//! # What fixes it
//! The repair makes the request the limit. CPU gets no limit: it would only throttle, and KubeRay 1.3 and later read
//! the CPUs from the request. In Flyte: `WorkerNodeConfig(limits=Resources(mem="32Gi"))`.
//!
//! # Fails
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {memory: 32Gi}, limits: {memory: null}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {memory: 32Gi}, limits: {memory: 32Gi}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG204",
    title: "a Ray container has no memory limit",
    action: Action::Fix,
    fixes: true,
    versions: Versions::ALL,
    page: include_str!("no_memory_limit.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let Some(request) = ray.request("memory") else { continue };
        if ray.limit("memory").is_some() || request.quantity().is_none() {
            continue;
        }
        let memory = request.seen();
        let path = pod.container_path(ray).keys(["resources", "limits", "memory"]);
        findings.push(
            Finding::new(
                job.nearest(path.clone()),
                format!(
                    "{}: {memory} of memory requested and no limit, Ray takes the whole node's memory for its own",
                    pod.title()
                ),
            )
            .fix(format!("set limits.memory to {memory}"))
            .flyte(flyte::resource_setting(pod, "limits", "memory", &memory))
            .repair(
                format!("{}: memory limit {memory} copied from the request", pod.title()),
                path,
                Op::Set(request.value.clone()),
            ),
        );
    }
}
