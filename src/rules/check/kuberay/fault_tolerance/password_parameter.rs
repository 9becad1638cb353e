//! Finds the head's start parameter `redis-password` beside `gcsFaultToleranceOptions`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, validation};
use super::{head_parameter, instead, options};

/// The check.
pub const CHECK: Check = Check {
    code: "RG153",
    title: "The Redis password must not be a start parameter",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("password_parameter.md"),
    evidence: &[validation(&[169])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(path) = head_parameter(job, "redis-password").filter(|_| options(job).is_some()) {
        findings.push(instead(path, "the start parameter redis-password", "redisPassword"));
    }
}
