//! Tolerations and node selector for the pods that ask for an accelerator, and only for those.
//!
//! A resource claim names its kind by its template. Of the Platform's kinds for a resource, one is chosen by what the author says: a node selector or required node
//! affinity that names its nodes, the label `raygate.dev/accelerator`, else the kind that the policy names. Without a
//! choice, only the tolerations that all kinds share are added. Where the author has chosen nodes by another label, such as
//! their instance type or pool, and named no kind, no selector is added unless the policy forces it: the nodes may have
//! another kind. With a Kueue queue no selector is added, because Kueue's flavors bring their own and refuse a conflict.
//!
//! KubeRay derives `num-gpus` only from resources that it knows as GPUs (KubeRay 1.6, `common/pod.go`). For other GPUs
//! this injector sets it, unless the driver (`entrypointNumGpus`) or a replica of Serve asks for more than that. It never sets it for a device
//! that Ray does not call a GPU.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Json;
use crate::k8s::json::{items, text};
use crate::k8s::names::is_gpu_key;
use crate::k8s::nodes;
use crate::k8s::toleration;
use crate::policy::Leaf;
use crate::policy::settings::Accelerator;
use crate::ray::device::{CLAIM_TEMPLATE, device_class, is_accelerator};
use crate::ray::{Kinds, KubeRay, Pod, Role, Workload, told};

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
                .filter(|(_, kind)| asks_for(resource, kind))
                .collect();
            let named = cx.setting("accelerators", |s| s.accelerators.get(resource));
            if cx.skipped && named.is_none() {
                continue;
            }
            let own = choose(job, pod, &candidates);
            let by_policy = named.filter(|_| own.is_none());
            let chosen = own.or_else(|| by_name(&candidates, by_policy.as_ref()?.value));
            let choice = chosen.or(match &candidates[..] {
                [only] => Some(*only),
                _ => None,
            });
            let is_meant = own.is_some() || by_policy.as_ref().is_some_and(|named| named.forced);
            let leaf = match (&by_policy, choice.or_else(|| candidates.first().copied())) {
                (Some(named), _) => named.leaf.entry(resource),
                (None, Some((kind, _))) => Leaf::accelerator(kind),
                (None, None) => Leaf::new(false, "accelerators"),
            };
            match choice {
                Some((_, kind)) => send_to(cx, job, pod, (kind, is_meant), plan, &leaf),
                None => add_tolerations(pod, shared(&candidates).into_iter(), plan, &leaf),
            }
            set_num_gpus(cx, job, pod, resource, plan, &leaf);
        }
        if cx.skipped {
            continue;
        }
        for (name, kind) in &cx.platform.accelerators {
            let mut claims = items(pod.spec, "resourceClaims").iter();
            if claims
                .any(|claim| text(claim, CLAIM_TEMPLATE).is_some_and(|name| kind.claim_templates.contains_key(name)))
            {
                send_to(cx, job, pod, (kind, true), plan, &Leaf::accelerator(name));
            }
        }
    }
}

/// Whether a pod asks for a kind of accelerators by a resource: the kind's own, or that of its device class.
fn asks_for(resource: &str, kind: &Accelerator) -> bool {
    kind.resource.as_deref() == Some(resource)
        || device_class(resource).is_some_and(|class| kind.device_classes.contains_key(class))
}

/// Lets a pod run on the nodes of a kind, and on no others unless Kueue's flavors choose them, or the author has and does
/// not mean this kind.
fn send_to(
    cx: &Cx<'_>,
    job: &Workload<'_>,
    pod: &Pod<'_>,
    (kind, is_meant): (&Accelerator, bool),
    plan: &mut Plan,
    leaf: &Leaf,
) {
    add_tolerations(pod, kind.tolerations.iter(), plan, leaf);
    if job.queue().is_none() && (is_meant || !nodes::are_chosen(pod.spec, &selected_by_policies(cx, pod))) {
        add_selector(pod, &kind.node_selector, plan, leaf);
    }
}

/// The node selector that the policies give to pods of this role.
fn selected_by_policies<'a>(cx: &Cx<'a>, pod: &Pod<'_>) -> BTreeMap<&'a str, &'a str> {
    let selector = |forced: bool| {
        let settings = cx.settings(forced);
        match pod.role {
            Role::Head => &settings.head.node_selector,
            Role::Worker => &settings.workers.node_selector,
            Role::Submitter => &settings.submitter.node_selector,
        }
    };
    let all = selector(false).iter().chain(selector(true));
    all.map(|(key, value)| (key.as_str(), value.as_str())).collect()
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

/// The kind that the author chose.
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
    by_nodes().or_else(|| by_name(candidates, label?))
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
    for requirement in nodes::requirements(pod.spec) {
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
    let mut by_affinity = nodes::requirements(pod.spec).filter_map(|requirement| text(requirement, "key"));
    let labels = selector.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    if by_affinity.any(|key| selector.contains_key(key)) || !nodes::may_run_on(pod.spec, &labels.collect()) {
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
    let [_, asked, _] = job.asks_of_a_node();
    let count = pod
        .main()
        .and_then(|ray| ray.limit(resource))
        .and_then(|limit| limit.quantity());
    if let Some(count) = count
        && count.is_integer()
        && count.value() > 0
        && asked <= count.value() as f64
        && !asked_for(pod).iter().any(|key| is_gpu_key(key, knows_mig))
    {
        plan.set(
            pod.group_path().keys(["rayStartParams", "num-gpus"]),
            count.value().to_string(),
            leaf,
        );
    }
}
