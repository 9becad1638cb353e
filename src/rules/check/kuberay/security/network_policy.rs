//! Finds a `networkPolicy` that KubeRay cannot set up.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::k8s::names::dns1123_label;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::kind::WORKERS;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{gate_off, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG171",
    title: "The options of networkPolicy must not contradict each other",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("network_policy.md"),
    evidence: &[validation(&[317, 395, 426, 439])],
    run,
};

const POLICY: &str = "networkPolicy";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    const GATE: &str = "RayClusterNetworkPolicy";
    let Some(policy) = job.cluster_field(POLICY) else {
        return;
    };
    if !cx.gate(GATE) {
        findings.push(gate_off(
            cx,
            job.cluster_path(POLICY),
            "networkPolicy",
            GATE,
            "remove networkPolicy",
        ));
    }
    let mode = text(policy, "mode").unwrap_or("DenyAll");
    for part in ["head", "worker"] {
        if let Some(rules) = given(policy, part) {
            unrestricted(rules, mode, &job.cluster_path(POLICY).then_key(part), findings);
        }
    }
    let mut names = BTreeSet::new();
    for pod in job.workers() {
        let name = text(pod.group, "groupName").unwrap_or_default();
        names.insert(name);
        if let Err(error) = dns1123_label(name) {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("groupName"),
                    format!(
                        "worker group name {} is not a valid DNS label, which its network policy needs: {error}",
                        quoted(name)
                    ),
                )
                .fix("name the group with lower-case letters, digits and dashes"),
            );
        }
    }
    for (index, group) in items(policy, "workerGroups").iter().enumerate() {
        let path = job.cluster_path(POLICY).then_key("workerGroups").index(index);
        unrestricted(group, mode, &path, findings);
        let name = text(group, "groupName").unwrap_or_default();
        if !names.contains(name) {
            findings.push(
                Finding::new(
                    path.key("groupName"),
                    format!("networkPolicy: there is no worker group {}", quoted(name)),
                )
                .fix(format!("name one of {WORKERS}")),
            );
        }
    }
}

/// Finds rules for the direction that the mode leaves open.
fn unrestricted(rules: Json<'_>, mode: &str, path: &Path, findings: &mut Findings) {
    let key = match mode {
        "DenyAllEgress" => "ingressRules",
        "DenyAllIngress" => "egressRules",
        _ => return,
    };
    if !items(rules, key).is_empty() {
        findings.push(
            Finding::new(
                path.key(key),
                format!("networkPolicy: {key} with {mode}, which leaves that way open"),
            )
            .fix(format!("remove {key}, or set mode to DenyAll")),
        );
    }
}
