//! Finds a `num-cpus` among `rayStartParams` that is above the CPUs of the Ray container, rounded up.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG211",
    title: "num-cpus should not exceed the container's CPUs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("num_cpus_above.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1394],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
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
