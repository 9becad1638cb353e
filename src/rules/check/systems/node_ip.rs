//! Finds a pod whose start parameter `node-ip-address` is `$MY_POD_IP` while its Ray container has no variable of that
//! name.

use crate::k8s::json::items;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG716",
    title: "MY_POD_IP must be set if start parameters use it",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("node_ip.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/_private/services.py",
        &[619],
    )],
    run,
};

const VARIABLE: &str = "MY_POD_IP";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let address = pod
            .start_param("node-ip-address")
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        let Some(ray) = pod.main().filter(|_| matches!(address, "$MY_POD_IP" | "${MY_POD_IP}")) else {
            continue;
        };
        if ray.env(VARIABLE).is_some() || !items(ray.value, "envFrom").is_empty() {
            continue;
        }
        let finding = Finding::new(
            pod.group_path().keys(["rayStartParams", "node-ip-address"]),
            format!(
                "{}: MY_POD_IP is not set, ray start fails without an address",
                pod.title()
            ),
        )
        .fix("add the variable MY_POD_IP with fieldPath status.podIP")
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        // KubeRay runs the author's command before `ray start`, and it may set the variable.
        let has_command = ["command", "args"].iter().any(|key| !items(ray.value, key).is_empty());
        findings.push(if has_command { finding.warn_only() } else { finding });
    }
}
