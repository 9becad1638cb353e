//! Finds a worker group with `suspend: true` while its feature gate is off.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, DELETION_GATE, validation};
use super::suspended;

/// The check.
pub const CHECK: Check = Check {
    code: "RG160",
    title: "Suspended worker groups need the feature gate RayJobDeletionPolicy",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES.gated(DELETION_GATE, false),
    page: include_str!("suspended_gate_off.md"),
    evidence: &[validation(&[200])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    suspended(
        job,
        "suspended, and the feature gate RayJobDeletionPolicy is off",
        findings,
    )
}
