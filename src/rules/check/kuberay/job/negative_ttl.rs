//! Finds a `ttlSecondsAfterFinished` below 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::below;

/// The check.
pub const CHECK: Check = Check {
    code: "RG104",
    title: "ttlSecondsAfterFinished must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("negative_ttl.md"),
    evidence: &[validation(&[552])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    below(
        job,
        "ttlSecondsAfterFinished",
        0,
        findings,
        Some("RayJobConfig(ttl_seconds_after_finished=300)"),
    );
}
