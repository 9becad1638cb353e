//! # What it does
//! Finds a Ray container that asks for no CPU, or for no memory, where no policy's `minimum` gives it some.
//!
//! # Why it is bad
//! KubeRay tells Ray of the CPUs and the memory that the container asks for, and sizes `/dev/shm` by the latter. Without
//! them Ray counts the whole node's, plans for what other pods use, and the pod is the first to be evicted.
//! (KubeRay 1.1 and later, `common/pod.go`.)
//!
//! # What fixes it
//! Ask for what the group needs: `WorkerNodeConfig(requests=Resources(cpu="8", mem="32Gi"))`. A policy with
//! `workers.minimum` repairs it (RG206).
//!
//! # Fails
//! ```yaml
//! policy: {defaults: {workers: {minimum: {cpu: "0", memory: "0"}}}}
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {cpu: null}, limits: {cpu: null}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {defaults: {workers: {minimum: {cpu: "0", memory: "0"}}}}
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {cpu: "8"}, limits: {cpu: null}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::platform_default::minimum;

/// The check.
pub const CHECK: Check = Check {
    code: "RG208",
    title: "a Ray container asks for no CPU or no memory",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("no_request.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        for (resource, example) in [("cpu", "8"), ("memory", "32Gi")] {
            let asks = ray.request(resource).is_some() || ray.limit(resource).is_some();
            if asks || minimum(cx, pod, resource).is_some() {
                continue;
            }
            let path = pod.container_path(ray).keys(["resources", "requests"]).name(resource);
            findings.push(
                Finding::new(
                    job.nearest(path),
                    format!(
                        "{}: no {resource} is asked for, Ray takes the whole node's for its own",
                        pod.title()
                    ),
                )
                .fix(format!("set requests.{resource}"))
                .flyte(flyte::resource_setting(pod, "requests", resource, example)),
            );
        }
    }
}
