//! Finds a `backoffLimit` below 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::below;

/// The check.
pub const CHECK: Check = Check {
    code: "RG133",
    title: "backoffLimit must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("negative_retries.md"),
    evidence: &[validation(&[626])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    below(job, "backoffLimit", 0, findings, None);
}
