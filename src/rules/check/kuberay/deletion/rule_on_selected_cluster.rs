//! Finds a deletion rule with the policy `DeleteCluster` or `DeleteWorkers` beside a `clusterSelector`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::{rule, selected_cluster};

/// The check.
pub const CHECK: Check = Check {
    code: "RG117",
    title: "Deletion rules must not delete a selected cluster",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("rule_on_selected_cluster.md"),
    evidence: &[validation(&[816])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for rule in rule::all(job).filter(|rule| job.selects_cluster() && rule.deletes_cluster()) {
        findings.push(selected_cluster(rule.path().key("policy"), rule.policy()));
    }
}
