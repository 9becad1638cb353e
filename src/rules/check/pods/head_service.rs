//! Finds a head Service that the API server rejects.

use crate::diag::{listed, quoted, suggest};
use crate::k8s::json::{child, text};
use crate::k8s::names::{dns1035_label, dns1123_label};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG927",
    title: "The head Service must have a valid name and type",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("head_service.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[7353]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const TYPES: [&str; 4] = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
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
            error.with_advice()
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
}
