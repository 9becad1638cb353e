//! Finds, on KubeRay 1.1 and 1.2, a Ray container that requests CPU and has neither a CPU limit nor `num-cpus`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG209",
    title: "CPU requests need a limit in KubeRay 1.1 and 1.2",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::between(KubeRay::V1_1, KubeRay::V1_2),
    page: include_str!("cpu_without_limit.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.2.2",
        "ray-operator/controllers/ray/common/pod.go",
        &[740],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
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
