//! Looks at what the driver asks of Ray.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::k8s::json::text;
use crate::k8s::names::is_gpu_key;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, KubeRay, Pod, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG706",
    title: "no pod offers what the driver asks for",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("entrypoint_needs.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/dashboard/modules/job/job_manager.py",
        &[213],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (key, offer, unit) in [
        (
            "entrypointNumCpus",
            cpus as fn(&Cx<'_>, &Pod<'_>) -> Option<i64>,
            "CPUs",
        ),
        ("entrypointNumGpus", gpus, "GPUs"),
    ] {
        let Some(wanted) = job.spec.get(key).and_then(Json::as_f64).filter(|wanted| *wanted != 0.0) else {
            continue;
        };
        let message = if wanted < 0.0 {
            format!("{key} {wanted} is negative")
        } else {
            let most = most_offered(cx, job, offer);
            match most.filter(|most| wanted > *most as f64) {
                Some(most) => format!("{key} {wanted}: no pod offers more than {most} {unit}, the job waits for ever"),
                None => continue,
            }
        };
        findings.push(
            Finding::new(job.job_path(key), message)
                .fix(format!("set {key} to at most what one pod has, or leave it out")),
        );
    }
    let resources = text(job.spec, "entrypointResources").filter(|resources| !resources.is_empty());
    if resources.is_some_and(|resources| serde_json::from_str::<BTreeMap<String, f64>>(resources).is_err()) {
        findings.push(
            Finding::new(
                job.job_path("entrypointResources"),
                "entrypointResources is no JSON object of numbers, the job cannot be submitted",
            )
            .fix("write it like {\"slot\": 1}"),
        );
    }
}

/// The most that one pod of the cluster offers; `None` where that cannot be told.
fn most_offered(cx: &Cx<'_>, job: &Workload<'_>, offer: fn(&Cx<'_>, &Pod<'_>) -> Option<i64>) -> Option<i64> {
    if job.selects_cluster() || job.head().is_none() {
        return None;
    }
    let mut most = 0;
    for pod in job.ray_pods() {
        if pods_at_most(job, pod) > 0 {
            most = offer(cx, pod)?.max(most);
        }
    }
    Some(most)
}

/// Ray's CPUs of a pod (KubeRay 1.6, `common/pod.go`): the start parameter, else the limit rounded up, from 1.3 on else the
/// request. Without any of them Ray counts the node's.
fn cpus(cx: &Cx<'_>, pod: &Pod<'_>) -> Option<i64> {
    if has_group_resources(pod) {
        return None;
    }
    if let Some(given) = given(pod, "num-cpus") {
        return given;
    }
    let ray = pod.main()?;
    let limit = ray.limit("cpu");
    let source = limit.or_else(|| ray.request("cpu").filter(|_| cx.kuberay() >= KubeRay::V1_3));
    source?
        .quantity()
        .filter(|cpus| !cpus.is_zero())
        .map(|cpus| cpus.value())
}

/// Ray's GPUs of a pod: the start parameter, else the first limit that KubeRay takes for GPUs. Ray looks for other
/// accelerators itself.
fn gpus(cx: &Cx<'_>, pod: &Pod<'_>) -> Option<i64> {
    if has_group_resources(pod) {
        return None;
    }
    if let Some(given) = given(pod, "num-gpus") {
        return given;
    }
    let ray = pod.main()?;
    let knows_mig = cx.kuberay() >= KubeRay::V1_4;
    let counted = ray
        .limits
        .iter()
        .find(|limit| is_gpu_key(limit.key, knows_mig) && !limit.quantity().is_none_or(Quantity::is_zero));
    match counted {
        Some(limit) => limit.quantity().map(|gpus| gpus.value()),
        None if ray.limits.iter().any(|limit| is_accelerator(limit.key)) => None,
        None => Some(0),
    }
}

/// A start parameter: `None` where it is left out, `Some(None)` where it is no whole number.
fn given(pod: &Pod<'_>, key: &str) -> Option<Option<i64>> {
    pod.start_params()?
        .get(key)
        .filter(|value| !value.is_null())
        .map(|value| value.as_str()?.trim().parse().ok())
}

fn has_group_resources(pod: &Pod<'_>) -> bool {
    pod.group
        .get("resources")
        .and_then(Json::as_object)
        .is_some_and(|resources| !resources.is_empty())
}
