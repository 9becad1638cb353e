//! Finds a worker group that restarts in place under the autoscaler v2.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::{is_v2, restarting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG165",
    title: "Workers must not restart under the autoscaler v2",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("restarting_workers.md"),
    evidence: &[validation(&[233])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.autoscales() && is_v2(job) {
        restarting(job.workers(), "v2", findings);
    }
}
