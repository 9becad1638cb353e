//! Finds a head Service with a name of its own.

use crate::diag::quoted;
use crate::k8s::json::{below, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG176",
    title: "The head Service of a RayService must not have a name",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("head_service_name.md"),
    evidence: &[validation(&[690])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head() else { return };
    let name = text(below(head.group, &["headService", "metadata"]), "name");
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        findings.push(
            Finding::new(
                head.group_path().keys(["headService", "metadata", "name"]),
                format!(
                    "head: the Service has the name {}; two clusters would share it during an upgrade",
                    quoted(name)
                ),
            )
            .fix("remove headService.metadata.name"),
        );
    }
}
