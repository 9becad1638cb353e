//! # What it does
//! Finds, on KubeRay 1.1 and 1.2, a Ray container that requests CPU and has neither a CPU limit nor `num-cpus`.
//!
//! # Why it is bad
//! These releases read the CPUs that they tell Ray of from the limit alone. Without it Ray counts the node's CPUs and
//! starts far too many tasks on the pod. KubeRay 1.3 reads the request too. Seen in ray-project/kuberay#2361.
//!
//! # What fixes it
//! Set the limit, or `num-cpus`: `WorkerNodeConfig(limits=Resources(cpu="8"))`.
//!
//! # Fails
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - template: {spec: {containers: [{resources: {requests: {cpu: "8"}, limits: {cpu: null}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - rayStartParams: {num-cpus: "8"}
//!         template: {spec: {containers: [{resources: {requests: {cpu: "8"}, limits: {cpu: null}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG209",
    title: "a CPU request without a limit, which this KubeRay does not read",
    action: Action::Warn,
    fixes: false,
    versions: Versions::between(KubeRay::V1_1, KubeRay::V1_2),
    page: include_str!("cpu_without_limit.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let Some(request) = ray.request("cpu") else { continue };
        if ray.limit("cpu").is_some() || pod.start_param("num-cpus").is_some() {
            continue;
        }
        let cpus = request.seen();
        let path = pod.container_path(ray).keys(["resources", "limits", "cpu"]);
        findings.push(
            Finding::new(
                job.nearest(path),
                format!(
                    "{}: {cpus} CPU requested without a limit, Ray counts the whole node's CPUs",
                    pod.title()
                ),
            )
            .fix("set limits.cpu, or num-cpus in rayStartParams")
            .flyte(flyte::resource_setting(pod, "limits", "cpu", &cpus)),
        );
    }
}
