//! # What it does
//! Finds a `headService` with `externalIPs`, or of a type other than `ClusterIP`.
//!
//! # Why it is bad
//! `headService.spec.type` takes precedence over `serviceType`. `NodePort` and `LoadBalancer` open the dashboard, the client port
//! and the GCS outside the cluster, without a password. `ExternalName` sends the workers to another host. With `externalIPs`
//! the nodes also route traffic for these addresses to the head, so an author can take over an address of somebody else
//! (CVE-2020-8554). Every KubeRay release.
//!
//! # What fixes it
//! Leave `type` and `externalIPs` out. If a policy forces `head.serviceType`, it also sets the type here. To reject such jobs, set
//! `actions: {RG717: Deny}` in a policy.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {headService: {spec: {externalIPs: [192.0.2.7]}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {headGroupSpec: {headService: {metadata: {labels: {team: vision}}}}}}
//! ```

use crate::k8s::text::{listed, quoted};
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::job::{items, text};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG717",
    title: "headService must not open the head to other networks",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("head_service.rs"),
    run,
};

/// The most addresses that the message names.
const SHOWN: usize = 5;

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let Some(spec) = head.group.get("headService").and_then(|service| service.get("spec")) else {
        return;
    };
    let at = head.group_path().keys(["headService", "spec"]);
    let effect = match text(spec, "type") {
        Some(kind @ ("NodePort" | "LoadBalancer")) => Some(format!("{kind} opens the head outside the cluster")),
        Some(kind @ "ExternalName") => Some(format!("{kind} sends the workers to another host")),
        _ => None,
    };
    if let Some(effect) = effect {
        let message = format!("head: the type of headService {effect}");
        findings.push(Finding::new(at.key("type"), message).fix("leave the type out"));
    }
    let addresses = items(spec, "externalIPs").iter().filter_map(|address| address.as_str());
    let addresses: Vec<String> = addresses.map(quoted).take(SHOWN).collect();
    if !addresses.is_empty() {
        let message = format!("head: headService takes the traffic for {}", listed(&addresses));
        findings.push(Finding::new(at.key("externalIPs"), message).fix("leave externalIPs out"));
    }
}
