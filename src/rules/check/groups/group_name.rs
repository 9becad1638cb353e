//! # What it does
//! Finds worker groups whose name is empty, given twice, not a DNS label, or `head` or `headgroup`.
//!
//! # Why it is bad
//! The name becomes a label and part of the pods' names. With two groups of one name KubeRay makes and kills their
//! pods in a loop (ray-project/kuberay#718); `headgroup` is the head's own label, and Kueue refuses `head`.
//!
//! # What fixes it
//! Give each group a name of its own: `WorkerNodeConfig(group_name="gpu-workers")`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{groupName: headgroup}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{groupName: gpu-workers}]}}
//! ```

use std::collections::BTreeMap;

use crate::k8s::names::dns1123_label;
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG501",
    title: "a worker group's name is empty, taken or malformed",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("group_name.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for pod in job.workers() {
        let name = pod.group_name();
        let first = *seen.entry(name.to_lowercase()).or_insert(pod.index);
        let message = if name.is_empty() {
            format!("{} has no name", pod.title())
        } else if first != pod.index {
            format!(
                "two worker groups are named {}, KubeRay would create and kill their pods in a loop",
                quoted(name)
            )
        } else if matches!(name.to_lowercase().as_str(), "head" | "headgroup") {
            format!("a worker group is named {}, which is the head's own name", quoted(name))
        } else if let Err(error) = dns1123_label(&name.to_lowercase()) {
            format!("the worker group name {} {error}", quoted(name))
        } else {
            continue;
        };
        findings.push(
            Finding::new(pod.group_path().then_key("groupName"), message)
                .fix("give each group a name of its own: lower-case letters, digits and dashes")
                .flyte("WorkerNodeConfig(group_name=\"gpu-workers\")"),
        );
    }
}
