//! Finds a `memory` among `rayStartParams` that is above the memory of the Ray container.

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::memory_of;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG212",
    title: "The start parameter memory should not exceed the container's memory",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("memory_above.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1407],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(told)) = (pod.main(), told::whole(pod, "memory")) else {
            continue;
        };
        let Some(memory) = memory_of(ray) else { continue };
        if told <= memory || told::group_resources(pod, cx.kuberay()).is_some() {
            continue;
        }
        let (told_shown, memory) = (Quantity::from_bytes(told), Quantity::from_bytes(memory));
        findings.push(
            Finding::new(
                pod.group_path().keys(["rayStartParams", "memory"]),
                format!(
                    "{}: Ray is told of {told_shown} of memory and the container has {memory}, tasks are killed",
                    pod.title()
                ),
            )
            .fix(format!(
                "leave memory out of rayStartParams, or set limits.memory to {told_shown}"
            ))
            .flyte(format!(
                "{} without memory",
                flyte::setting(pod, "ray_start_params={…}")
            ))
            .weight(told),
        );
    }
}
