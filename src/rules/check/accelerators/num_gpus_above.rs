//! # What it does
//! Finds a `num-gpus` among `rayStartParams` that is above the GPUs that the Ray container asks for.
//!
//! # Why it is bad
//! Ray believes it: it starts tasks on GPUs that are not there, and they fail with `no CUDA-capable device` or
//! `invalid device ordinal`. KubeRay does not compare the two, in any release. Where devices may come in another way,
//! by a resource claim or by a resource that is not known here, it only warns.
//!
//! # What fixes it
//! Leave `num-gpus` out, KubeRay derives it; or ask for as many GPUs: `WorkerNodeConfig(requests=Resources(gpu="4"))`.
//!
//! # Fails
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - rayStartParams: {num-gpus: "4"}
//!         template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: "1"}}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec:
//!   rayClusterSpec:
//!     workerGroupSpecs:
//!       - rayStartParams: {num-gpus: "4"}
//!         template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: "4"}}}]}}
//! ```

use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte, told};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG311",
    title: "num-gpus is above the GPUs of the container",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("num_gpus_above.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(told)) = (pod.main(), told::whole(pod, "num-gpus")) else {
            continue;
        };
        let has = told::gpus(ray);
        if told <= has || told::group_resources(pod, cx.kuberay()).is_some() {
            continue;
        }
        let what = match has {
            0 => "and it asks for no GPU, tasks fail on GPUs that are not there".to_owned(),
            1 => "is above its 1 GPU, tasks fail on GPUs that are not there".to_owned(),
            has => format!("is above its {has} GPUs, tasks fail on GPUs that are not there"),
        };
        let finding = Finding::new(
            pod.group_path().keys(["rayStartParams", "num-gpus"]),
            format!("{}: num-gpus {told} {what}", pod.title()),
        )
        .fix("leave num-gpus out, or ask for as many GPUs")
        .flyte(flyte::resource_setting(
            pod,
            "requests",
            "nvidia.com/gpu",
            &told.to_string(),
        ))
        .weight(told);
        let is_unsure = told::may_have_other_devices(pod, ray) || told::overwrites_command(job);
        findings.push(if is_unsure { finding.warn_only() } else { finding });
    }
}
