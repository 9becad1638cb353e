//! Finds ports with a number out of range, a name that is no port name, or the name of another.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::json::{child, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;
use super::port;

/// The check.
pub const CHECK: Check = Check {
    code: "RG907",
    title: "Container ports must have a valid number and name",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("ports.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[2801, 2812],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for container in &faults.pod.containers {
            let mut seen = BTreeSet::new();
            for (index, port) in items(container.value, "ports").iter().enumerate() {
                if !port.is_object() {
                    continue;
                }
                let at = faults.pod.container_path(container).then_key("ports").then_index(index);
                let name = text(port, "name").unwrap_or_default();
                if let Some(wrong) = port::name_fault(name).filter(|_| !name.is_empty()) {
                    let what = format!("port name {} {wrong}", quoted(name));
                    let fix = "use at most 15 lowercase letters, digits and `-`";
                    faults.report_in(container, at.key("name"), &what, fix);
                } else if !name.is_empty() && !seen.insert(name) {
                    let what = format!("port name {} is used twice", quoted(name));
                    faults.report_in(container, at.key("name"), &what, "give each port a unique name");
                }
                let number = child(port, "containerPort").as_i64().unwrap_or_default();
                if !port::is_number(number) {
                    let what = format!("containerPort {number} is not between 1 and 65535");
                    faults.report_in(container, at.key("containerPort"), &what, "write the port's number");
                }
                let host = child(port, "hostPort").as_i64().unwrap_or_default();
                if host != 0 && !port::is_number(host) {
                    let what = format!("hostPort {host} is not between 1 and 65535");
                    faults.report_in(container, at.key("hostPort"), &what, "leave hostPort out");
                }
            }
        }
    });
}
