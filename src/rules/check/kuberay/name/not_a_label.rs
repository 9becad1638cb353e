//! Finds a name that does not begin with a letter, or has other characters than lower-case letters, digits and dashes.

use crate::diag::{placeholder, quoted};
use crate::k8s::names::dns1035_label;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::kind::RAY_JOB;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::longest;

/// The check.
pub const CHECK: Check = Check {
    code: "RG102",
    title: "Names must be valid DNS labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("not_a_label.md"),
    evidence: &[validation(&[36, 538, 637])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let name = job.name();
    if !cx.named || name.len() > longest(job.kind, cx.kuberay()) {
        return;
    }
    let Err(error) = dns1035_label(name) else { return };
    let error = placeholder(name).map_or_else(
        || error.to_string(),
        |variable| format!("nobody filled in the variable {}", quoted(variable)),
    );
    // KubeRay does not check the name of a RayCronJob, but that of each RayJob, which begins with it.
    let then = if job.kind.is_template() {
        "; KubeRay rejects each of its RayJobs"
    } else {
        ""
    };
    let finding = Finding::new(
        Path::of(["metadata", "name"]),
        format!(
            "{} name {} is not a valid DNS label: {error}{then}",
            job.kind.name,
            quoted(name)
        ),
    )
    .fix("start with a letter, and use lowercase letters, digits and `-`");
    findings.push(if job.kind.is(&RAY_JOB) {
        finding.flyte("another execution name")
    } else {
        finding
    });
}
