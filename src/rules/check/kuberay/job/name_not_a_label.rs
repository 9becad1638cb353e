//! Finds a RayJob whose name does not begin with a letter, or has other characters than lower-case letters, digits and
//! dashes.

use crate::diag::quoted;
use crate::k8s::names::dns1035_label;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::LONGEST;

/// The check.
pub const CHECK: Check = Check {
    code: "RG102",
    title: "the RayJob's name is no Service name",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob"]),
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("name_not_a_label.md"),
    evidence: &[validation(&[538])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let name = job.name();
    if !cx.named || name.len() > LONGEST {
        return;
    }
    if let Err(error) = dns1035_label(name) {
        findings.push(
            Finding::new(
                Path::of(["metadata", "name"]),
                format!("RayJob name {} is not a valid DNS label: {error}", quoted(name)),
            )
            .fix("start with a letter, and use lowercase letters, digits and `-`")
            .flyte("another execution name"),
        );
    }
}
