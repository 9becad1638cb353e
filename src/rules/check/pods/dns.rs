//! Finds a DNS policy None without name servers, DNS options without a name, and host aliases without an address.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::diag::quoted;
use crate::k8s::json::{below, child, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG921",
    title: "DNS settings must be complete",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("dns.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4277, 4463],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The most name servers of a pod.
const SERVERS_MAX: usize = 3;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let config = child(faults.pod.spec, "dnsConfig");
        let at = faults.pod.spec_path().then_key("dnsConfig");
        let servers = items(config, "nameservers");
        if text(faults.pod.spec, "dnsPolicy") == Some("None") && servers.is_empty() {
            let fix = "add dnsConfig.nameservers, or use another dnsPolicy";
            faults.report(at.key("nameservers"), "dnsPolicy None has no name server", fix);
        }
        if servers.len() > SERVERS_MAX {
            let what = format!(
                "dnsConfig has {} name servers, the limit is {SERVERS_MAX}",
                servers.len()
            );
            faults.report(at.key("nameservers"), &what, "keep three of them");
        }
        for (index, option) in items(below(config, &[]), "options").iter().enumerate() {
            if option.is_object() && text(option, "name").is_none_or(str::is_empty) {
                faults.report(
                    at.key("options").index(index),
                    "a DNS option has no name",
                    "set its name",
                );
            }
        }
        for (index, alias) in items(faults.pod.spec, "hostAliases").iter().enumerate() {
            let ip = text(alias, "ip").unwrap_or_default();
            if alias.is_object() && !is_address(ip) {
                let path = faults
                    .pod
                    .spec_path()
                    .then_key("hostAliases")
                    .then_index(index)
                    .then_key("ip");
                let what = match ip {
                    "" => "a host alias has no ip".to_owned(),
                    ip => format!("the ip {} of a host alias is no IP address", quoted(ip)),
                };
                faults.report(path, &what, "write an address, such as 10.0.0.10");
            }
        }
    });
}

/// Whether Kubernetes reads a text as an IP address. It allows leading zeros in the numbers of IPv4 (`ParseIPSloppy`), so
/// that IPv4 inside of IPv6 counts as one.
fn is_address(text: &str) -> bool {
    if text.contains(':') {
        return text.contains('.') || text.parse::<Ipv6Addr>().is_ok();
    }
    let without_zeros = |number: &str| match number.trim_start_matches('0') {
        "" if !number.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    let numbers: Vec<String> = text.split('.').map(without_zeros).collect();
    numbers.join(".").parse::<Ipv4Addr>().is_ok()
}
