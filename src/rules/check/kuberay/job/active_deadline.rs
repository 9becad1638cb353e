//! Finds an `activeDeadlineSeconds` of 0 or less.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::below;

/// The check.
pub const CHECK: Check = Check {
    code: "RG131",
    title: "activeDeadlineSeconds must be greater than 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("active_deadline.md"),
    evidence: &[validation(&[620])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    below(job, "activeDeadlineSeconds", 1, findings, None);
}
