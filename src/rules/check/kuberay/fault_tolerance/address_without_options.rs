//! Finds the head's variable `RAY_REDIS_ADDRESS` where neither `gcsFaultToleranceOptions` is set nor the annotation
//! `ray.io/ft-enabled` is `true`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Findings};

use super::super::{CLUSTER_RULES, head_variable, validation};
use super::{ENABLED, instead, options};

/// The check.
pub const CHECK: Check = Check {
    code: "RG152",
    title: "A Redis address needs fault tolerance",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("address_without_options.md"),
    evidence: &[validation(&[160])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_on = job
        .cluster_annotation(ENABLED)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_on || options(job).is_some() {
        return;
    }
    if let Some(path) = head_variable(job, "RAY_REDIS_ADDRESS") {
        findings.push(instead(path, "RAY_REDIS_ADDRESS", "redisAddress"));
    }
}
