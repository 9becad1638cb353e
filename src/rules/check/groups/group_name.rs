//! Looks at the names of worker groups.

use std::collections::BTreeMap;

use crate::diag::{placeholder, quoted};
use crate::json::Json;
use crate::k8s::names::{dns1123_label, dns1123_subdomain, label_value};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG501",
    title: "Worker group names must be unique, valid DNS labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("group_name.md"),
    evidence: &[
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/raycluster_controller.go",
            &[1079],
        ),
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[5765]),
        Evidence::Test("tests/quantity_go.rs", "names_are_what_kubernetes_says"),
    ],
    run,
};

/// The head's group label (KubeRay, `utils/constant.go`).
const HEAD_GROUP: &str = "headgroup";

/// What a RayCluster's name has beyond the RayJob's or RayService's, at most: `-raycluster-` and five characters (KubeRay
/// 1.1).
const CLUSTER_SUFFIX: usize = 17;

/// What a RayJob's name has beyond the RayCronJob's, at most: the minute of its run, counted from 1970 (KubeRay 1.7).
const RUN_SUFFIX: usize = 9;

/// How much of cluster and group KubeRay takes into a pod's name, in bytes (`utils/util.go`, `PodName`).
const POD_PREFIX: usize = 50;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen_lower: BTreeMap<String, usize> = BTreeMap::new();
    for pod in job.workers() {
        let name = pod.group_name();
        let is_text = pod.group.get("groupName").is_some_and(Json::is_string);
        let lower = name.to_lowercase();
        let first = *seen.entry(name).or_insert(pod.index);
        let first_lower = *seen_lower.entry(lower.clone()).or_insert(pod.index);
        let shown = quoted(name);
        let (message, is_certain) = if !is_text {
            (format!("{} has no name", pod.title()), true)
        } else if first != pod.index {
            (
                format!("worker group name {shown} is used twice; KubeRay would create and delete the pods in a loop"),
                true,
            )
        } else if name == HEAD_GROUP {
            (
                format!("worker group name {shown} is the head's own; KubeRay counts the head as a worker"),
                false,
            )
        } else if let Some(variable) = placeholder(name).filter(|_| label_value(name).is_err()) {
            (
                format!(
                    "worker group name {shown} has the variable {} that nobody filled in",
                    quoted(variable)
                ),
                true,
            )
        } else if let Err(error) = label_value(name) {
            (
                format!("worker group name {shown} is not a valid label value: {error}"),
                true,
            )
        } else if let Err(error) = dns1123_subdomain(&pod_name(job, &lower)) {
            (
                format!("worker group name {shown} makes invalid pod names: {error}. Kubernetes rejects the pods"),
                true,
            )
        } else if name.is_empty() {
            (
                format!("{} has an empty name, which becomes an empty label", pod.title()),
                false,
            )
        } else if first_lower != pod.index {
            (
                format!("worker group name {shown} differs from another one only in case; Kueue rejects both"),
                false,
            )
        } else if lower == "head" {
            (
                format!(
                    "worker group name {shown} is Kueue's name for the head; Kueue rejects the {}",
                    job.kind.word
                ),
                false,
            )
        } else if let Err(error) = dns1123_label(&lower) {
            (
                format!(
                    "worker group name {shown} is not a valid DNS label: {error}. Kueue and KubeRay's network policies reject it"
                ),
                false,
            )
        } else {
            continue;
        };
        let finding = Finding::new(pod.group_path().then_key("groupName"), message)
            .fix("give each group a unique name of lowercase letters, digits and `-`")
            .flyte("WorkerNodeConfig(group_name=\"gpu-workers\")");
        findings.push(if is_certain { finding } else { finding.warn_only() });
    }
}

/// A pod's name as far as every release of KubeRay takes the group's name into it.
fn pod_name(job: &Workload<'_>, group: &str) -> String {
    let suffix = match job.kind.name {
        "RayCluster" => 0,
        "RayCronJob" => RUN_SUFFIX + CLUSTER_SUFFIX,
        _ => CLUSTER_SUFFIX,
    };
    let room = POD_PREFIX.saturating_sub(job.name().len() + suffix + 1);
    match group
        .char_indices()
        .find(|(at, character)| at + character.len_utf8() > room)
    {
        // What comes after the cut is another release's affair.
        Some((end, _)) => format!("r-{}x", group.get(..end).unwrap_or_default()),
        None => format!("r-{group}-worker-x"),
    }
}
