//! Finds the policy `DeleteWorkers` in an autoscaled job.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{policies, rule};

/// The check.
pub const CHECK: Check = Check {
    code: "RG113",
    title: "DeleteWorkers does not work with autoscaling",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("workers_with_autoscaling.md"),
    evidence: &[validation(&[821, 958])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !job.autoscales() {
        return;
    }
    let of_rules = rule::all(job)
        .filter(|_| cx.kuberay() >= KubeRay::V1_5)
        .map(|rule| (rule.path().key("policy"), rule.policy()));
    for (path, _) in policies(cx, job)
        .chain(of_rules)
        .filter(|(_, policy)| *policy == "DeleteWorkers")
    {
        findings.push(
            Finding::new(path, "DeleteWorkers with autoscaling, which would bring them back")
                .fix("use DeleteCluster, or set enableInTreeAutoscaling to false")
                .flyte("RayJobConfig(enable_autoscaling=False)"),
        );
    }
}
