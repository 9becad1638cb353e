//! # What it does
//! Finds a `num-cpus` among `rayStartParams` that is above the CPUs of the Ray container, rounded up.
//!
//! # Why it is bad
//! Ray starts one task for each CPU that it was told of. With a limit they all are throttled, and the head may answer too
//! slowly for its probes; without one they take the CPUs of other pods. KubeRay does not compare the two, in any release.
//!
//! # What fixes it
//! Leave `num-cpus` out, KubeRay derives it; or ask for as many CPUs: `WorkerNodeConfig(requests=Resources(cpu="16"))`.
//! Who overcommits on purpose, for tasks that wait more than they compute, may set the action of this code to `Ignore`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {num-cpus: "16"}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {num-cpus: "8"}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte, told};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG211",
    title: "num-cpus is above the container's CPUs",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("num_cpus_above.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(told)) = (pod.main(), told::whole(pod, "num-cpus")) else {
            continue;
        };
        let Some(cpus) = ray.ceiling("cpu") else { continue };
        if told <= cpus.value() || told::group_resources(pod, cx.kuberay()).is_some() {
            continue;
        }
        let kind = if ray.limit("cpu").is_some() { "limit" } else { "request" };
        findings.push(
            Finding::new(
                pod.group_path().keys(["rayStartParams", "num-cpus"]),
                format!(
                    "{}: num-cpus {told} is above its CPU {kind} {cpus}, tasks share what is there",
                    pod.title()
                ),
            )
            .fix("leave num-cpus out, or ask for as many CPUs")
            .flyte(flyte::resource_setting(pod, "requests", "cpu", &told.to_string()))
            .weight(told),
        );
    }
}
