//! Finds a RayJob whose name has more than 47 characters.

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::LONGEST;

/// The check.
pub const CHECK: Check = Check {
    code: "RG101",
    title: "the RayJob's name is too long",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob"]),
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("name_too_long.md"),
    evidence: &[validation(&[535])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let name = job.name();
    if cx.named && name.len() > LONGEST {
        findings.push(
            Finding::new(
                Path::of(["metadata", "name"]),
                format!(
                    "the RayJob's name {} has {} characters, KubeRay takes at most {LONGEST}",
                    quoted(name),
                    name.len()
                ),
            )
            .fix(format!("use a name of at most {LONGEST} characters"))
            .flyte("a shorter execution name")
            .weight(i64::try_from(name.len()).unwrap_or(i64::MAX)),
        );
    }
}
