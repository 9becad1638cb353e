//! Finds deletion rules for the same state where the one that deletes more has the shorter TTL.

use std::collections::BTreeMap;

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::rule::{self, Condition, Rule};

/// The check.
pub const CHECK: Check = Check {
    code: "RG119",
    title: "Deletion rules must delete workers, then the cluster, then the RayJob",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("rule_order.md"),
    evidence: &[validation(&[914])],
    run,
};

/// The policies by how much they delete; their TTLs must not fall along it.
const BY_REACH: [&str; 3] = ["DeleteWorkers", "DeleteCluster", "DeleteSelf"];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let mut by_condition: BTreeMap<Condition<'_>, [Option<Rule<'_>>; BY_REACH.len()]> = BTreeMap::new();
    for (rule, condition) in rule::sound(cx, job) {
        let reach = BY_REACH.iter().position(|policy| *policy == rule.policy());
        let slots = by_condition.entry(condition).or_default();
        if let Some(slot) = reach.and_then(|reach| slots.get_mut(reach)) {
            slot.get_or_insert(rule);
        }
    }
    for slots in by_condition.into_values() {
        let mut before: Option<Rule<'_>> = None;
        for rule in slots.into_iter().flatten() {
            if let Some(before) = before.filter(|before| rule.ttl() < before.ttl()) {
                findings.push(
                    Finding::new(
                        rule.path().keys(["condition", "ttlSeconds"]),
                        format!(
                            "{} after {} s comes before {} after {} s",
                            rule.policy(),
                            rule.ttl(),
                            before.policy(),
                            before.ttl()
                        ),
                    )
                    .fix(format!("set ttlSeconds to at least {}", before.ttl())),
                );
            }
            before = Some(rule);
        }
    }
}
