//! Finds a submitter that asks for accelerators, or that is sent to their nodes.

use serde_json::Value;

use crate::json::{Json, Object};
use crate::k8s::json::{items, text};
use crate::k8s::toleration::Toleration;
use crate::policy::settings::Action;
use crate::ray::device::is_accelerator;
use crate::ray::memory::{is_memory_volume, shm_volume};
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::inject::submitter::runs_no_driver;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG302",
    title: "The submitter pod must not request GPUs",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter_accelerators.md"),
    evidence: &[Evidence::Reason(
        "the submitter pod only runs `ray job submit`, so a GPU that it holds is idle (flyteorg/flyte#5666)",
    )],
    run,
};

/// Node labels that name an accelerator on common platforms; a Platform's own come beside them.
const NODE_LABELS: &[&str] = &[
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-gpu-partition-size",
    "cloud.google.com/gke-tpu-accelerator",
    "cloud.google.com/gke-tpu-topology",
    "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "kubernetes.azure.com/accelerator",
    "nvidia.com/gpu.present",
    "nvidia.com/gpu.product",
];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(submitter) = job.submitter() else { return };
    let Some(main) = submitter.main() else { return };
    if job.submission_mode() != "K8sJobMode" || !runs_no_driver(main.value) {
        return;
    }
    let is_device = |key: &str| {
        is_accelerator(key)
            || cx
                .platform
                .accelerators
                .values()
                .any(|accelerator| accelerator.resource == key)
    };
    let asked = submitter
        .containers
        .iter()
        .flat_map(|container| {
            container
                .limits
                .iter()
                .chain(&container.requests)
                .map(move |resource| (container, resource))
        })
        .find(|(_, resource)| is_device(resource.key));
    let Some((container, resource)) = asked else { return };
    let block = if container.limit(resource.key).is_some() {
        "limits"
    } else {
        "requests"
    };
    let mut finding = Finding::new(
        submitter
            .container_path(container)
            .keys(["resources", block])
            .name(resource.key),
        format!(
            "submitter: {} {} for a pod that only runs `ray job submit`",
            resource.seen(),
            resource.key
        ),
    )
    .fix("take the accelerator out of the submitter's pod template")
    .flyte("WorkerNodeConfig(requests=Resources(gpu=…)) instead of @task(requests=Resources(gpu=…))");
    for (path, op) in strip(cx, submitter, &is_device) {
        finding = finding.repair(
            format!("submitter: {} {} taken away", resource.seen(), resource.key),
            path,
            op,
        );
    }
    findings.push(finding);
}

/// All that keeps a pod at accelerator nodes.
fn strip(cx: &Cx<'_>, pod: &Pod<'_>, is_device: &dyn Fn(&str) -> bool) -> Vec<(crate::k8s::path::Path, Op)> {
    let mut edits = Vec::new();
    for container in &pod.containers {
        let resources = pod.container_path(container).then_key("resources");
        for (block, list) in [("limits", &container.limits), ("requests", &container.requests)] {
            for resource in list.iter().filter(|resource| is_device(resource.key)) {
                edits.push((resources.key(block).name(resource.key), Op::Remove));
            }
        }
    }
    let spec = pod.spec_path();
    let is_node_label = |key: &str| {
        NODE_LABELS.contains(&key)
            || cx
                .platform
                .accelerators
                .values()
                .any(|accelerator| accelerator.node_selector.contains_key(key))
    };
    for key in pod
        .spec
        .get("nodeSelector")
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(Object::keys)
    {
        if is_node_label(key) {
            edits.push((spec.key("nodeSelector").name(key), Op::Remove));
        }
    }
    let is_device_taint = |toleration: Json<'_>| {
        let key = text(toleration, "key").unwrap_or_default();
        is_device(key)
            || is_node_label(key)
            || cx
                .platform
                .accelerators
                .values()
                .flat_map(|kind| &kind.tolerations)
                .any(|own| Toleration::from(own).key == key)
    };
    keep_where(
        pod.spec,
        "tolerations",
        &spec,
        |toleration| !is_device_taint(toleration),
        &mut edits,
    );
    if pod
        .spec
        .get("runtimeClassName")
        .and_then(Json::as_str)
        .is_some_and(|name| name.contains("nvidia"))
    {
        edits.push((spec.key("runtimeClassName"), Op::Remove));
    }
    let affinity = [
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
    ];
    let terms = spec.keys(affinity);
    if let Some(required) = affinity.iter().try_fold(pod.spec, |value, key| value.get(key)) {
        let names_device = |term: Json<'_>| {
            items(term, "matchExpressions")
                .iter()
                .any(|one| text(one, "key").is_some_and(is_node_label))
        };
        let given = items(required, "nodeSelectorTerms");
        let kept: Vec<Value> = given
            .iter()
            .filter(|term| !names_device(*term))
            .map(Json::to_value)
            .collect();
        if kept.is_empty() && !given.is_empty() {
            edits.push((terms, Op::Remove));
        } else if kept.len() < given.len() {
            edits.push((terms.key("nodeSelectorTerms"), Op::Set(kept.into())));
        }
    }
    if let Some(main) = pod.main()
        && let Some((_, volume)) = shm_volume(pod, main).filter(|(_, volume)| is_memory_volume(*volume))
    {
        let name = text(volume, "name").map(str::to_owned);
        let is_it = |value: Json<'_>| text(value, "name").map(str::to_owned) == name;
        keep_where(pod.spec, "volumes", &spec, |volume| !is_it(volume), &mut edits);
        for container in &pod.containers {
            let at = pod.container_path(container);
            keep_where(container.value, "volumeMounts", &at, |mount| !is_it(mount), &mut edits);
        }
    }
    edits
}

/// Sets a list to those of its elements that are kept, where some are not.
fn keep_where(
    holder: Json<'_>,
    list: &'static str,
    at: &crate::k8s::path::Path,
    keep: impl Fn(Json<'_>) -> bool,
    edits: &mut Vec<(crate::k8s::path::Path, Op)>,
) {
    let given = items(holder, list);
    let kept: Vec<Value> = given
        .iter()
        .filter(|element| keep(*element))
        .map(Json::to_value)
        .collect();
    if kept.is_empty() && !given.is_empty() {
        edits.push((at.key(list), Op::Remove));
    } else if kept.len() < given.len() {
        edits.push((at.key(list), Op::Set(kept.into())));
    }
}
