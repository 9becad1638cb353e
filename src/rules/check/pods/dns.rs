//! Finds a DNS policy None without name servers, and DNS options without a name.

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
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[4277]),
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
    });
}
