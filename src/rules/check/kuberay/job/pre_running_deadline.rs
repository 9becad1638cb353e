//! Finds a `preRunningDeadlineSeconds` of 0 or less.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::below;

/// The check.
pub const CHECK: Check = Check {
    code: "RG132",
    title: "preRunningDeadlineSeconds must be greater than 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("pre_running_deadline.md"),
    evidence: &[validation(&[623])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    below(job, "preRunningDeadlineSeconds", 1, findings, None);
}
