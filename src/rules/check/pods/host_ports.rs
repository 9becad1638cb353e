//! Finds host ports that the containers of a pod use twice, or that differ from the container port on the host network.

use std::collections::BTreeSet;

use crate::k8s::json::{child, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG920",
    title: "Host ports must be unique in a pod",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("host_ports.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[3519, 4348],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let on_host = child(faults.pod.spec, "hostNetwork").as_bool() == Some(true);
        let mut seen = BTreeSet::new();
        for container in faults.pod.running() {
            for (index, port) in items(container.value, "ports").iter().enumerate() {
                let number = child(port, "containerPort").as_i64().unwrap_or_default();
                let given = child(port, "hostPort").as_i64().unwrap_or_default();
                // On the host's network, Kubernetes takes a missing hostPort from the containerPort.
                let host = if on_host && given == 0 { number } else { given };
                let path = faults.pod.container_path(container).then_key("ports").then_index(index);
                if on_host && host != number {
                    let what = format!("hostPort {host} differs from containerPort {number} on the host's network");
                    faults.report_in(container, path.key("hostPort"), &what, "leave hostPort out");
                }
                let protocol = text(port, "protocol")
                    .filter(|protocol| !protocol.is_empty())
                    .unwrap_or("TCP");
                let address = text(port, "hostIP").unwrap_or_default();
                if host > 0 && !seen.insert((host, protocol, address)) {
                    let what = format!("host port {host} is used twice in the pod");
                    let key = if given == 0 { "containerPort" } else { "hostPort" };
                    faults.report_in(container, path.key(key), &what, "use each host port once");
                }
            }
        }
    });
}
