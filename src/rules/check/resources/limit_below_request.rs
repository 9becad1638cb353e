//! # What it does
//! Finds a container whose limit for CPU, memory or ephemeral storage is below its request.
//!
//! # Why it is bad
//! Kubernetes refuses the pod when KubeRay creates it, again and again: the RayJob stays in `Initializing` while the
//! pods that could be created hold their nodes. In Flyte the task shows as queued.
//! It happens when only some limits are given: `requests=Resources(cpu="8", mem="32Gi", gpu="1")` with
//! `limits=Resources(gpu="1")` leaves the platform's default of 100m and 500Mi as the other limits.
//! Seen in flyteorg/flyte#6390 and ray-project/kuberay#2178.
//!
//! # What fixes it
//! The repair raises the limit to the request, unless no process could start with that much memory. In Flyte, leave `limits` out (flytekit then copies the requests), or
//! give every limit: `WorkerNodeConfig(limits=Resources(cpu="8", mem="32Gi", gpu="1"))`.
//!
//! # Fails
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {memory: 32Gi}, limits: {memory: 500Mi}}}]}}
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
use crate::ray::RayJob;
use crate::rules::check::{Check, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

use super::tiny_memory::LEAST;
use super::{is_exact, named, place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG203",
    title: "a limit is below its request",
    action: Action::Fix,
    fixes: true,
    versions: Versions::ALL,
    page: include_str!("limit_below_request.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in &pod.containers {
            for request in container.requests.iter().filter(|request| !is_exact(request.key)) {
                let Some(limit) = container.limit(request.key) else {
                    continue;
                };
                let (Some(least), Some(most)) = (request.quantity(), limit.quantity()) else {
                    continue;
                };
                // A negative limit is RG205's: what its author meant is anybody's guess.
                if most >= least || most.is_negative() {
                    continue;
                }
                let (key, wanted, shown) = (request.key, request.seen(), named(request.key));
                let resources = pod.container_path(container).then_key("resources");
                let path = resources.key("limits").name(key);
                let finding = Finding::new(
                    path.clone(),
                    format!(
                        "{}: {shown} limit {} is below its request {wanted}, no pod can be created",
                        place(pod, container),
                        limit.seen()
                    ),
                )
                .fix(format!("set limits.{shown} to at least {wanted}"))
                .flyte(setting(pod, container, "limits", key, &wanted))
                .beside(resources.key("requests").name(key), "needs at least this");
                // A limit in which no process can start would be RG217's.
                if key == "memory" && least.value() < LEAST {
                    findings.push(finding);
                    continue;
                }
                findings.push(finding.repair(
                    format!(
                        "{}: {shown} limit {} raised to its request {wanted}",
                        place(pod, container),
                        limit.seen()
                    ),
                    path,
                    Op::Set(request.value.clone()),
                ));
            }
        }
    }
}
