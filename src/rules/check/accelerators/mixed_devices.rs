//! Finds a Ray container that asks for two kinds of GPUs, such as `nvidia.com/gpu` and a MIG profile, without
//! `num-gpus`.

use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::resource_path;

/// The check.
pub const CHECK: Check = Check {
    code: "RG314",
    title: "A container should use one kind of GPU",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("mixed_devices.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1447],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let Some(counted) = told::counted_gpus(ray, cx.kuberay()) else {
            continue;
        };
        if pod.start_param("num-gpus").is_some() || told::group_gpus(pod, cx.kuberay()).is_some() {
            continue;
        }
        let other = ray.limits.iter().find(|limit| {
            limit.key != counted.key
                && is_accelerator(limit.key)
                && !told::has_own_name(limit.key)
                && limit.quantity().is_some_and(|quantity| quantity.value() > 0)
        });
        let Some(other) = other else { continue };
        findings.push(
            Finding::new(
                resource_path(pod, ray, other.key),
                format!(
                    "{}: asks for {} and {}, Ray is told of the first alone",
                    pod.title(),
                    named(counted.key),
                    named(other.key)
                ),
            )
            .fix("ask for one kind of GPU in a group, or set rayStartParams.num-gpus")
            .flyte(flyte::setting(pod, "requests=Resources(gpu=\"1\")")),
        );
    }
}
