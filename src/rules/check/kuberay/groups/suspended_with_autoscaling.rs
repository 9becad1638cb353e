//! Finds a worker group with `suspend: true` in an autoscaled job.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::suspended;

/// The check.
pub const CHECK: Check = Check {
    code: "RG161",
    title: "Worker groups must not be suspended with autoscaling",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("suspended_with_autoscaling.md"),
    evidence: &[validation(&[218])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.autoscales() {
        suspended(job, "suspended, which the autoscaler does not allow", findings);
    }
}
