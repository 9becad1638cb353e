//! Finds a `num-gpus` among `rayStartParams`, or GPUs among a group's `resources`, below the GPUs that the Ray
//! container asks for.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG312",
    title: "num-gpus should equal the container's GPUs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("num_gpus_below.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1453],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let by_param = || {
            let told = told::whole(pod, "num-gpus")?;
            let hint = format!("{} without num-gpus", flyte::setting(pod, "ray_start_params={…}"));
            Some((pod.group_path().keys(["rayStartParams", "num-gpus"]), told, Some(hint)))
        };
        let by_group = || {
            let (key, quantity) = told::group_gpus(pod, cx.kuberay())?;
            // Flyte does not set the group's own resources.
            Some((pod.group_path().then_key("resources").name(key), quantity.value(), None))
        };
        let Some((path, told, hint)) = by_group().or_else(by_param).filter(|(_, told, _)| *told >= 0) else {
            continue;
        };
        let has = told::gpus(ray);
        if told >= has {
            continue;
        }
        let idle = has - told;
        let gpus = if has == 1 { "GPU" } else { "GPUs" };
        let mut finding = Finding::new(
            path,
            format!(
                "{}: Ray is told of {told} of its {has} {gpus}; tasks cannot use the others",
                pod.title()
            ),
        )
        .fix(format!("leave it out, or set it to {has}"))
        .weight(idle);
        finding.flyte = hint;
        findings.push(finding);
    }
}
