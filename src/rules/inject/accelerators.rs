//! Tolerations and node selector for the pods that ask for an accelerator, and only for those.
//!
//! Of the Platform's kinds for a resource, one is chosen by what the author says: a node selector or required node
//! affinity that names its nodes, the label `raygate.dev/accelerator`, else the kind that the policy names. Without a
//! choice, only the tolerations that all kinds share are added. The author's selector stands; with a Kueue queue no
//! selector is added, because Kueue's flavors bring their own and refuse a conflict.
//!
//! KubeRay derives `num-gpus` only from resources that it knows as GPUs (KubeRay 1.6, `common/pod.go`). For other GPUs
//! this injector sets it, unless the driver asks for more than that (`entrypointNumGpus`). It never sets it for a device
//! that Ray does not call a GPU.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::{Array, Json};
use crate::k8s::json::{items, text};
use crate::k8s::names::is_gpu_key;
use crate::k8s::toleration;
use crate::policy::Leaf;
use crate::policy::settings::Accelerator;
use crate::ray::device::is_accelerator;
use crate::ray::{Kinds, KubeRay, Pod, Workload, told};

use super::Injector;
use crate::rules::Cx;
use crate::rules::edit::Plan;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "accelerators",
    doc: "Adds the tolerations and the node selector of the accelerator that a pod asks for.",
    settings: &["accelerators"],
    kinds: Kinds::All,
    plan,
};

/// The label, on a pod template or the RayJob, by which an author names a kind of the Platform.
pub const ACCELERATOR_LABEL: &str = "raygate.dev/accelerator";

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    for pod in job.ray_pods() {
        for resource in asked_for(pod) {
            let candidates: Vec<Candidate<'_>> = cx
                .platform
                .accelerators
                .iter()
                .filter(|(_, kind)| kind.resource == resource)
                .collect();
            let named = cx.setting("accelerators", |s| s.accelerators.get(resource));
            if cx.skipped && named.is_none() {
                continue;
            }
            let own = choose(job, pod, &candidates);
            let by_policy = named.filter(|_| own.is_none());
            let choice = own.or_else(|| by_name(&candidates, by_policy.as_ref()?.value));
            let leaf = match (&by_policy, choice.or_else(|| candidates.first().copied())) {
                (Some(named), _) => named.leaf.entry(resource),
                (None, Some((kind, _))) => Leaf::accelerator(kind),
                (None, None) => Leaf::new(false, "accelerators"),
            };
            match choice {
                Some((_, kind)) => {
                    add_tolerations(pod, kind.tolerations.iter(), plan, &leaf);
                    if job.queue().is_none() {
                        add_selector(pod, &kind.node_selector, plan, &leaf);
                    }
                }
                None => add_tolerations(pod, shared(&candidates).into_iter(), plan, &leaf),
            }
            set_num_gpus(cx, job, pod, resource, plan, &leaf);
        }
    }
}

/// The extended resources that the pod's containers ask for, each once.
fn asked_for<'a>(pod: &Pod<'a>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = pod
        .running()
        .flat_map(|container| container.limits.iter().chain(&container.requests))
        .filter(|resource| resource.key.contains('/') && resource.quantity().is_some_and(|q| !q.is_zero()))
        .map(|resource| resource.key)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A kind of the Platform, with its name.
type Candidate<'p> = (&'p String, &'p Accelerator);

fn by_name<'p>(candidates: &[Candidate<'p>], name: &str) -> Option<Candidate<'p>> {
    candidates.iter().copied().find(|(key, _)| *key == name)
}

/// The kind that the author chose, or the only one.
fn choose<'p>(job: &Workload<'_>, pod: &Pod<'_>, candidates: &[Candidate<'p>]) -> Option<Candidate<'p>> {
    let by_nodes = || {
        let author = node_labels(pod);
        let mut fitting = candidates.iter().copied().filter(|(_, kind)| {
            let shared = kind
                .node_selector
                .iter()
                .filter_map(|(key, value)| Some((author.get(key.as_str())?, value)));
            let mut any = false;
            shared.into_iter().all(|(values, value)| {
                any = true;
                values.contains(&value.as_str())
            }) && any
        });
        fitting.next().filter(|_| fitting.next().is_none())
    };
    let label = pod.label(ACCELERATOR_LABEL).or_else(|| job.label(ACCELERATOR_LABEL));
    let only = || match candidates {
        [only] => Some(*only),
        _ => None,
    };
    by_nodes().or_else(|| by_name(candidates, label?)).or_else(only)
}

/// The values that the author lets node labels have: the node selector and the required node affinity.
fn node_labels<'a>(pod: &Pod<'a>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut labels = BTreeMap::new();
    for (key, value) in pod
        .spec
        .get("nodeSelector")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        labels.insert(key, value.as_str().into_iter().collect());
    }
    for requirement in node_requirements(pod) {
        if text(requirement, "operator") == Some("In")
            && let Some(key) = text(requirement, "key")
        {
            labels
                .entry(key)
                .or_insert_with(|| items(requirement, "values").iter().filter_map(Json::as_str).collect());
        }
    }
    labels
}

/// The expressions of the required node affinity.
fn node_requirements<'a>(pod: &Pod<'a>) -> impl Iterator<Item = Json<'a>> {
    pod.spec
        .get("affinity")
        .and_then(|affinity| {
            affinity
                .get("nodeAffinity")?
                .get("requiredDuringSchedulingIgnoredDuringExecution")
        })
        .map_or(Array::EMPTY, |required| items(required, "nodeSelectorTerms"))
        .iter()
        .flat_map(|term| items(term, "matchExpressions"))
}

/// The tolerations that every candidate has.
fn shared<'p>(candidates: &[Candidate<'p>]) -> Vec<&'p Value> {
    let Some(((_, first), others)) = candidates.split_first() else {
        return Vec::new();
    };
    first
        .tolerations
        .iter()
        .filter(|wanted| {
            others
                .iter()
                .all(|(_, kind)| kind.tolerations.iter().any(|given| toleration::implies(given, *wanted)))
        })
        .collect()
}

fn add_tolerations<'p>(pod: &Pod<'_>, wanted: impl Iterator<Item = &'p Value>, plan: &mut Plan, leaf: &Leaf) {
    for wanted in wanted {
        if !items(pod.spec, "tolerations")
            .iter()
            .any(|given| toleration::implies(given, wanted))
        {
            plan.append(pod.spec_path().then_key("tolerations"), wanted.clone(), leaf);
        }
    }
}

fn add_selector(pod: &Pod<'_>, selector: &BTreeMap<String, String>, plan: &mut Plan, leaf: &Leaf) {
    let author = pod.spec.get("nodeSelector");
    let by_affinity: Vec<&str> = node_requirements(pod)
        .filter_map(|requirement| text(requirement, "key"))
        .collect();
    let contradicts = selector.iter().any(|(key, value)| {
        by_affinity.contains(&key.as_str())
            || author
                .and_then(|author| author.get(key))
                .is_some_and(|given| given.as_str() != Some(value))
    });
    if contradicts {
        return;
    }
    for (key, value) in selector {
        if author.and_then(|author| author.get(key)).is_none() {
            plan.set(pod.spec_path().then_key("nodeSelector").name(key), value.as_str(), leaf);
        }
    }
}

/// Sets `num-gpus` where KubeRay will not, and where Ray has no other name for the device.
fn set_num_gpus(cx: &Cx<'_>, job: &Workload<'_>, pod: &Pod<'_>, resource: &str, plan: &mut Plan, leaf: &Leaf) {
    let knows_mig = cx.kuberay() >= KubeRay::V1_4;
    let group_resources = pod
        .group
        .get("resources")
        .and_then(Json::as_object)
        .is_some_and(|map| !map.is_empty());
    if !is_accelerator(resource)
        || is_gpu_key(resource, knows_mig)
        || told::has_own_name(resource)
        || group_resources
        || pod.start_param("num-gpus").is_some()
    {
        return;
    }
    let count = pod
        .main()
        .and_then(|ray| ray.limit(resource))
        .and_then(|limit| limit.quantity());
    if let Some(count) = count
        && count.is_integer()
        && count.value() > 0
        && job.driver_needs("entrypointNumGpus") <= count.value() as f64
        && !asked_for(pod).iter().any(|key| is_gpu_key(key, knows_mig))
    {
        plan.set(
            pod.group_path().keys(["rayStartParams", "num-gpus"]),
            count.value().to_string(),
            leaf,
        );
    }
}
