//! Finds a head Service that the API server rejects.

use std::collections::BTreeSet;

use crate::diag::{listed, quoted, suggest};
use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
use crate::k8s::names::{dns1035_label, dns1123_label};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::build::own_ports;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::fault::reason;
use super::port::is_number;

/// The check.
pub const CHECK: Check = Check {
    code: "RG927",
    title: "The head Service must have a valid name, type and ports",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("head_service.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[7133, 7209, 7353],
        ),
        Evidence::Source(
            "KubeRay 1.6.2",
            "ray-operator/controllers/ray/common/service.go",
            &[104],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const TYPES: [&str; 4] = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];

/// The protocols of a port.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// The most findings about ports. It bounds the memory of a review.
const MOST: usize = 50;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let is_built = !job.selects_cluster();
    let mut report = |finding: Finding| findings.push(if is_built { finding } else { finding.warn_only() });
    let service = child(head.group, "headService");
    let at = head.group_path().then_key("headService");
    let name = text(child(service, "metadata"), "name").unwrap_or_default();
    let path = || at.keys(["metadata", "name"]);
    if let Some(error) = dns1123_label(name).err().filter(|_| !name.is_empty()) {
        let wrong = format!(
            "name {} is not a valid DNS label: {}",
            quoted(name),
            reason(&error, name)
        );
        let message =
            format!("head: headService {wrong}, so the API server rejects the Service and no worker finds the head");
        report(
            Finding::new(path(), message)
                .fix("use at most 63 lowercase letters, digits and `-`, or leave the name out"),
        );
    } else if !name.is_empty() && dns1035_label(name).is_err() {
        let message = format!(
            "head: headService name {} starts with a digit, Kubernetes before 1.34 rejects the Service",
            quoted(name)
        );
        report(
            Finding::new(path(), message)
                .fix("start the name with a letter")
                .warn_only(),
        );
    }
    let own = text(child(service, "spec"), "type").filter(|kind| !kind.is_empty());
    let (kind, path) = match own {
        Some(kind) => (kind, at.keys(["spec", "type"])),
        None => (
            text(head.group, "serviceType").unwrap_or_default(),
            head.group_path().then_key("serviceType"),
        ),
    };
    if !kind.is_empty() && !TYPES.contains(&kind) {
        let message = format!(
            "head: the Service type {} is unknown, the API server rejects the Service",
            quoted(kind)
        );
        let near = TYPES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(kind))
            .or_else(|| suggest(kind, TYPES));
        let fix = near.map_or_else(
            || format!("write one of {}", listed(&TYPES)),
            |near| format!("did you mean {near}?"),
        );
        report(Finding::new(path, message).fix(fix));
    }
    for finding in ports(head.group, &at, cx.kuberay()) {
        report(finding);
    }
}

/// What is wrong with the ports of `headService`, to which KubeRay appends its own.
fn ports<'a>(head: Json<'a>, at: &Path, release: KubeRay) -> Vec<Finding> {
    let own = own_ports(head, release);
    let mut names: BTreeSet<&'a str> = BTreeSet::new();
    let numbers = own.values().filter_map(|port| Some(("TCP", port.as_i64()?)));
    let mut numbers: BTreeSet<(&'a str, i64)> = numbers.collect();
    let at = at.keys(["spec", "ports"]);
    let look = |(index, port): (usize, Json<'a>)| {
        let (name, number) = (text(port, "name").unwrap_or_default(), child(port, "port").as_i64()?);
        let protocol = text(port, "protocol")
            .filter(|protocol| !protocol.is_empty())
            .unwrap_or("TCP");
        let (key, what, fix) = if name.is_empty() {
            let what = "has no name, and KubeRay adds other ports".to_owned();
            ("name", what, "name the port")
        } else if dns1123_label(name).is_err() {
            let what = format!("is called {}, which is no DNS label", quoted(name));
            ("name", what, "use at most 63 lowercase letters, digits and `-`")
        } else if own.contains_key(name) {
            let what = format!("is called {}, as one that KubeRay adds", quoted(name));
            ("name", what, "remove the port: KubeRay adds it")
        } else if !names.insert(name) {
            let what = format!("is called {}, as another one", quoted(name));
            ("name", what, "give each port its own name")
        } else if !is_number(number) {
            let what = format!("is {number}, which is not between 1 and 65535");
            ("port", what, "write a number between 1 and 65535")
        } else if !PROTOCOLS.contains(&protocol) {
            let what = format!("has the unknown protocol {}", quoted(protocol));
            ("protocol", what, "write TCP, UDP or SCTP")
        } else if !numbers.insert((protocol, number)) {
            let what = format!("is {protocol} {number}, which KubeRay or another entry adds too");
            ("port", what, "remove the port, or give it another number")
        } else {
            return None;
        };
        let message = format!("head: a port of headService {what}, so the API server rejects the Service");
        Some(Finding::new(at.index(index).then_key(key), message).fix(fix))
    };
    let ports = items(below(head, &["headService", "spec"]), "ports").iter().enumerate();
    ports
        .filter(|(_, port)| port.is_object())
        .filter_map(look)
        .take(MOST)
        .collect()
}
