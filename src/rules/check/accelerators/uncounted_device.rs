//! Finds a Ray container whose only GPUs have a name that KubeRay does not count.

use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::resources::named;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG313",
    title: "KubeRay should recognize the GPU by its name",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("uncounted_device.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/resources.go",
        &[8],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        if pod.start_param("num-gpus").is_some()
            || told::counted_gpus(ray, cx.kuberay()).is_some()
            || told::group_gpus(pod, cx.kuberay()).is_some()
        {
            continue;
        }
        let uncounted = ray.limits.iter().find_map(|limit| {
            let count = limit.quantity().filter(|count| count.value() > 0)?;
            (is_accelerator(limit.key) && !told::has_own_name(limit.key)).then_some((limit.key, count.value()))
        });
        let Some((key, count)) = uncounted else { continue };
        let (path, fix) = if told::group_resources(pod, cx.kuberay()).is_some() {
            (
                pod.group_path().keys(["resources"]).name("nvidia.com/gpu"),
                format!("add nvidia.com/gpu: \"{count}\" to the group's resources"),
            )
        } else {
            (
                job.nearest(pod.group_path().keys(["rayStartParams", "num-gpus"])),
                format!("set rayStartParams.num-gpus to \"{count}\""),
            )
        };
        findings.push(
            Finding::new(
                path,
                format!(
                    "{}: KubeRay does not count {} as a GPU, no worker is added for it",
                    pod.title(),
                    named(key)
                ),
            )
            .fix(fix)
            .flyte(flyte::setting(
                pod,
                &format!("ray_start_params={{\"num-gpus\": \"{count}\"}}"),
            )),
        );
    }
}
