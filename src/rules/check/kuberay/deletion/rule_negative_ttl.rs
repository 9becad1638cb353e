//! Finds a deletion rule with a `ttlSeconds` below 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::rule;

/// The check.
pub const CHECK: Check = Check {
    code: "RG116",
    title: "The TTL of a deletion rule must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("rule_negative_ttl.md"),
    evidence: &[validation(&[884])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for rule in rule::all(job).filter(|rule| rule.ttl() < 0) {
        findings.push(
            Finding::new(
                rule.path().keys(["condition", "ttlSeconds"]),
                format!("deletion rule {} has a TTL of {} s", rule.index + 1, rule.ttl()),
            )
            .fix("set ttlSeconds to at least 0"),
        );
    }
}
