//! Finds the head's variable `RAY_REDIS_ADDRESS` beside `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::beside_options;

/// The check.
pub const CHECK: Check = Check {
    code: "RG155",
    title: "The Redis address must not be an environment variable",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("address_variable.md"),
    evidence: &[validation(&[179])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    beside_options(job, "RAY_REDIS_ADDRESS", "redisAddress", findings);
}
