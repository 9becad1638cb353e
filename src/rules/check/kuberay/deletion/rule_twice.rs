//! Finds a deletion rule with the state and the policy of an earlier one, whatever their TTLs.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::rule;

/// The check.
pub const CHECK: Check = Check {
    code: "RG118",
    title: "Deletion rules must be unique",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("rule_twice.md"),
    evidence: &[validation(&[833, 845])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (rule, (field, status)) in rule::sound(cx, job) {
        if !seen.insert((field, status, rule.policy())) {
            findings.push(
                Finding::new(
                    rule.path(),
                    format!(
                        "deletion rule {} repeats {} for {field} {}",
                        rule.index + 1,
                        quoted(rule.policy()),
                        quoted(status)
                    ),
                )
                .fix("keep one of the two rules"),
            );
        }
    }
}
