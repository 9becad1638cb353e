//! Finds a `num-gpus` among `rayStartParams` that is above the GPUs that the Ray container asks for.

use crate::diag::counted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG311",
    title: "num-gpus should not exceed the container's GPUs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("num_gpus_above.md"),
    evidence: &[Evidence::Reason(
        "Ray accepts logical GPUs: tasks may share the container's GPUs, or use none",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(told)) = (pod.main(), told::whole(pod, "num-gpus")) else {
            continue;
        };
        let has = told::gpus(ray);
        if told <= has || told::group_resources(pod, cx.kuberay()).is_some() || told::may_have_other_devices(pod, ray) {
            continue;
        }
        let what = match has {
            0 => "but the container requests no GPU; tasks that use one fail".to_owned(),
            1 => "exceeds the container's 1 GPU; tasks on the others fail".to_owned(),
            has => format!(
                "exceeds the container's {}; tasks on the others fail",
                counted(has, "GPU")
            ),
        };
        findings.push(
            Finding::new(
                pod.group_path().keys(["rayStartParams", "num-gpus"]),
                format!("{}: num-gpus {told} {what}", pod.title()),
            )
            .fix("remove num-gpus, or request as many GPUs")
            .flyte(flyte::resource_setting(
                pod,
                "requests",
                "nvidia.com/gpu",
                &told.to_string(),
            ))
            .weight(told),
        );
    }
}
