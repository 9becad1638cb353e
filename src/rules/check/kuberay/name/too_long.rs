//! Finds a name that is too long for what KubeRay makes of the object.

use crate::diag::quoted;
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
    code: "RG101",
    title: "Names must fit KubeRay's limits",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("too_long.md"),
    evidence: &[validation(&[33, 535, 634, 972])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let name = job.name();
    let longest = longest(job.kind, cx.kuberay());
    if !cx.named || name.len() <= longest {
        return;
    }
    let finding = Finding::new(
        Path::of(["metadata", "name"]),
        format!(
            "name {} has {} characters, a {} may have at most {longest}",
            quoted(name),
            name.len(),
            job.kind.name
        ),
    )
    .fix(format!("use a name of at most {longest} characters"))
    .weight(i64::try_from(name.len()).unwrap_or(i64::MAX));
    findings.push(if job.kind.is(&RAY_JOB) {
        finding.flyte("a shorter execution name")
    } else {
        finding
    });
}
