//! Finds a deletion rule whose condition has not exactly one of `jobStatus` and `jobDeploymentStatus`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::rule;

/// The check.
pub const CHECK: Check = Check {
    code: "RG115",
    title: "A deletion rule must wait for exactly one status",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("rule_condition.md"),
    evidence: &[validation(&[876, 879])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for rule in rule::all(job).filter(|rule| rule.condition(cx.kuberay()).is_none()) {
        let seen = match rule.status("jobStatus") {
            Some(_) => "both jobStatus and jobDeploymentStatus",
            None => "neither jobStatus nor jobDeploymentStatus",
        };
        findings.push(
            Finding::new(
                rule.path().key("condition"),
                format!("deletion rule {} has {seen}", rule.index + 1),
            )
            .fix("set exactly one of jobStatus and jobDeploymentStatus"),
        );
    }
}
