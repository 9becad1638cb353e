//! What a pod offers to the tasks and actors of Ray. `None` where only the running pod can tell.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::k8s::names::is_gpu_key;
use crate::k8s::quantity::Quantity;
use crate::ray::device::is_accelerator;
use crate::ray::{Container, KubeRay, Pod, Workload, told};
use crate::rules::Cx;

/// What a pod offers of one resource.
pub(super) type Offer = fn(&Cx<'_>, &Workload<'_>, &Pod<'_>) -> Option<i64>;

/// Ray's CPUs of a pod (KubeRay 1.6, `common/pod.go`): the start parameter, else the limit rounded up, from 1.3 on else the
/// request. Without any of them Ray counts the node's.
pub(super) fn cpus(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>) -> Option<i64> {
    let ray = ray_of(job, pod)?;
    if let Some(given) = given(pod, "num-cpus") {
        return given;
    }
    let limit = ray.limit("cpu");
    let source = limit.or_else(|| ray.request("cpu").filter(|_| cx.kuberay() >= KubeRay::V1_3));
    source?
        .quantity()
        .filter(|cpus| !cpus.is_zero())
        .map(|cpus| cpus.value())
}

/// Ray's GPUs of a pod: the start parameter, else the first limit that KubeRay takes for GPUs. Ray looks for other
/// accelerators itself.
pub(super) fn gpus(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>) -> Option<i64> {
    let ray = ray_of(job, pod)?;
    if let Some(given) = given(pod, "num-gpus") {
        return given;
    }
    let knows_mig = cx.kuberay() >= KubeRay::V1_4;
    let counted = ray
        .limits
        .iter()
        .find(|limit| is_gpu_key(limit.key, knows_mig) && !limit.quantity().is_none_or(Quantity::is_zero));
    match counted {
        Some(limit) => limit.quantity().map(|gpus| gpus.value()),
        None if ray.limits.iter().any(|limit| is_accelerator(limit.key)) => None,
        None if told::may_have_other_devices(pod, ray) => None,
        None => Some(0),
    }
}

/// Ray's memory of a pod in bytes: the start parameter, else the limit.
pub(super) fn memory(_: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>) -> Option<i64> {
    let ray = ray_of(job, pod)?;
    if let Some(given) = given(pod, "memory") {
        return given;
    }
    let limit = ray.limit("memory")?.quantity()?;
    (!limit.is_zero()).then(|| limit.value())
}

/// The custom resources of a pod, by the start parameter `resources`: JSON, which its authors quote for the shell.
pub(super) fn others(pod: &Pod<'_>) -> Option<BTreeMap<String, f64>> {
    let Some(resources) = pod.start_params().and_then(|parameters| parameters.get("resources")) else {
        return Some(BTreeMap::new());
    };
    let text = resources.as_str()?.trim();
    let bare = [('\'', '\''), ('"', '"')]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text);
    serde_json::from_str(bare)
        .or_else(|_| serde_json::from_str(&bare.replace('\\', "")))
        .ok()
}

/// The variable that replaces what a node offers (Ray 2.52, `_private/resource_spec.py`, `resolve`).
const OVERRIDE: &str = "RAY_OVERRIDE_RESOURCES";

/// The Ray container of a pod, if KubeRay starts Ray in it by start parameters and limits, which no variable replaces.
fn ray_of<'p, 'a>(job: &Workload<'a>, pod: &'p Pod<'a>) -> Option<&'p Container<'a>> {
    let has_group_resources = pod
        .group
        .get("resources")
        .and_then(Json::as_object)
        .is_some_and(|resources| !resources.is_empty());
    let is_told_otherwise = has_group_resources || told::starts_ray_itself(job, pod);
    pod.main()
        .filter(|ray| !is_told_otherwise && ray.env(OVERRIDE).is_none())
}

/// A start parameter: `None` where it is left out, `Some(None)` where it is no whole number.
fn given(pod: &Pod<'_>, key: &str) -> Option<Option<i64>> {
    pod.start_params()?
        .get(key)
        .filter(|value| !value.is_null())
        .map(|value| value.as_str()?.trim().parse().ok())
}
