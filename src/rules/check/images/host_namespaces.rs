//! Finds pods with `hostPID` or `hostIPC`, and containers with a `hostPort`.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::items;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Place, Pod, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG607",
    title: "Pods should not use the node's namespaces",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("host_namespaces.md"),
    evidence: &[Evidence::Reason(
        "processes and memory of other pods are visible, but some platforms need this",
    )],
    run,
};

const NAMESPACES: [(&str, &str); 2] = [
    ("hostPID", "sees every process of the node"),
    ("hostIPC", "shares memory with the other pods of the node"),
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for place in job.places() {
        match place {
            Place::Pod(pod) => namespaces(pod, findings),
            Place::Container(pod, container) => host_ports(pod, container, findings),
            Place::Volume(..) | Place::RuntimeEnv(..) | Place::ServeConfig(_) => {}
        }
    }
}

fn namespaces(pod: &Pod<'_>, findings: &mut Findings) {
    for (key, effect) in NAMESPACES {
        if pod.spec.get(key).and_then(Json::as_bool) == Some(true) {
            findings.push(
                Finding::new(
                    pod.spec_path().then_key(key),
                    format!("{}: {key}, it {effect}", pod.title()),
                )
                .fix(format!("leave {key} out"))
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}

fn host_ports(pod: &Pod<'_>, container: &Container<'_>, findings: &mut Findings) {
    for (index, port) in items(container.value, "ports").iter().enumerate() {
        let host = port.get("hostPort").and_then(Json::as_i64).unwrap_or(0);
        if host != 0 {
            findings.push(
                Finding::new(
                    pod.container_path(container)
                        .then_key("ports")
                        .index(index)
                        .key("hostPort"),
                    format!(
                        "{}: container {} takes port {host} of the node, one such pod fits on each",
                        pod.title(),
                        quoted(container.name)
                    ),
                )
                .fix("leave hostPort out")
                .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
            );
        }
    }
}
