//! Finds a group whose `resources` promise Ray more GPUs, CPUs or memory than its Ray container has.

use crate::diag::quoted;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, KubeRay, Pod, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG215",
    title: "The resources of a group should not exceed those of its container",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("group_resources_above.md"),
    evidence: &[Evidence::Reason(
        "Ray accepts logical resources, and only tasks that use the missing ones fail",
    )],
    run,
};

/// What a group's resources say of one thing, and what the container has of it.
struct Promise<'a> {
    key: &'a str,
    param: &'static str,
    name: &'static str,
    promised: Quantity,
    has: String,
}

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let (Some(ray), Some(_)) = (pod.main(), told::group_resources(pod, cx.kuberay())) else {
            continue;
        };
        for promise in promises(pod, ray, cx.kuberay()).into_iter().flatten() {
            let says = pod
                .start_param(promise.param)
                .map(|text| format!(", rayStartParams say {}", quoted(text)))
                .unwrap_or_default();
            findings.push(
                Finding::new(
                    pod.group_path().then_key("resources").name(promise.key),
                    format!(
                        "{}: its resources promise {} {}, its container has {}{says}",
                        pod.title(),
                        promise.promised,
                        promise.name,
                        promise.has
                    ),
                )
                .fix(format!(
                    "leave {} out of the group's resources, or give the container as much",
                    quoted(promise.key)
                ))
                .flyte(flyte::resource_setting(
                    pod,
                    "requests",
                    promise.key,
                    &promise.promised.to_string(),
                ))
                .weight(promise.promised.value()),
            );
        }
    }
}

fn promises<'a>(pod: &Pod<'a>, ray: &Container<'a>, kuberay: KubeRay) -> [Option<Promise<'a>>; 3] {
    let gpus = told::group_gpus(pod, kuberay).and_then(|(key, promised)| {
        let has = told::gpus(ray);
        (promised > Quantity::from_bytes(has) && !told::may_have_other_devices(pod, ray)).then(|| Promise {
            key,
            param: "num-gpus",
            name: "GPUs",
            promised,
            has: has.to_string(),
        })
    });
    let of = |key: &'static str, param, name| {
        let promised = Quantity::from_json(told::group_resources(pod, kuberay)?.get(key)?).ok()?;
        let has = ray.ceiling(key)?;
        (promised > *has).then(|| Promise {
            key,
            param,
            name,
            promised,
            has: has.to_string(),
        })
    };
    [gpus, of("cpu", "num-cpus", "CPUs"), of("memory", "memory", "of memory")]
}
