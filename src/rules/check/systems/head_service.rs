//! Finds a `headService` with `externalIPs`, or of a type other than `ClusterIP`.

use crate::diag::{listed, quoted};
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG717",
    title: "headService must not open the head to other networks",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("head_service.md"),
    evidence: &[Evidence::Reason(
        "the head is reachable from other networks, but some platforms need this",
    )],
    run,
};

/// The most addresses that the message names.
const SHOWN: usize = 5;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let Some(spec) = head.group.get("headService").and_then(|service| service.get("spec")) else {
        return;
    };
    let at = head.group_path().keys(["headService", "spec"]);
    let effect = match text(spec, "type") {
        Some(kind @ ("NodePort" | "LoadBalancer")) => {
            Some(format!("type {kind}, which opens the head outside the cluster"))
        }
        Some(kind @ "ExternalName") => Some(format!("type {kind}, which sends the workers to another host")),
        _ => None,
    };
    if let Some(effect) = effect {
        let message = format!("head: headService has the {effect}");
        findings.push(Finding::new(at.key("type"), message).fix("leave the type out"));
    }
    let addresses = items(spec, "externalIPs").iter().filter_map(|address| address.as_str());
    let addresses: Vec<String> = addresses.map(quoted).take(SHOWN).collect();
    if !addresses.is_empty() {
        let message = format!("head: headService takes the traffic for {}", listed(&addresses));
        findings.push(Finding::new(at.key("externalIPs"), message).fix("leave externalIPs out"));
    }
}
