//! # What it does
//! Finds probes and lifecycle hooks with a `host` in `httpGet` or `tcpSocket`.
//!
//! # Why it is bad
//! The kubelet sends the request from the node, to the host that the author names. So a pod reaches services that only nodes
//! reach, and network policies do not apply. `localhost` is the node, not the pod. Every KubeRay release.
//!
//! # What fixes it
//! Leave `host` out: the kubelet then sends the request to the pod. To reject such jobs, set `actions: {RG614: Deny}` or
//! `limits: {podSecurity: baseline}` in a policy.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{livenessProbe: {httpGet: {host: 169.254.169.254, port: 80}}}]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {containers: [{livenessProbe: {httpGet: {port: 8265}}}]}}}}}
//! ```

use crate::k8s::pod_security::hosts;
use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::{RayJob, flyte};
use crate::rules::check::resources::place;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG614",
    title: "Probes and hooks must not set a host",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("probe_hosts.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in pod.everywhere() {
            for (keys, host) in hosts(container.value) {
                let at = pod.container_path(container);
                let handler = keys.iter().rev().nth(2).copied().unwrap_or_default();
                findings.push(
                    Finding::new(
                        keys.iter().fold(at, |path, key| path.then_key(key)),
                        format!(
                            "{}: {handler} sets the host {}, so the node sends the request there",
                            place(pod, container),
                            quoted(host)
                        ),
                    )
                    .fix("leave host out")
                    .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
                );
            }
        }
    }
}
