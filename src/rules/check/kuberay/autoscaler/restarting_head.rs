//! Finds a head that restarts in place under the autoscaler v2.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::{is_v2, restarting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG164",
    title: "The head must not restart under the autoscaler v2",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("restarting_head.md"),
    evidence: &[validation(&[228])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.autoscales() && is_v2(job) {
        restarting(job.head(), "v2", findings);
    }
}
