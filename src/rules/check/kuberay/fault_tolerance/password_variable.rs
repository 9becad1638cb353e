//! Finds the head's variable `REDIS_PASSWORD` beside `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::beside_options;

/// The check.
pub const CHECK: Check = Check {
    code: "RG154",
    title: "The Redis password must not be an environment variable",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("password_variable.md"),
    evidence: &[validation(&[174])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    beside_options(job, "REDIS_PASSWORD", "redisPassword", findings);
}
