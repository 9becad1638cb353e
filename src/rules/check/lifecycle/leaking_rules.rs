//! Finds a `deletionStrategy` that keeps the pods of a job that has ended.

use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::deletion::{DELETE_PODS, has_rule, has_rules};
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG407",
    title: "deletionStrategy should delete the cluster",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("leaking_rules.md"),
    evidence: &[Evidence::Reason(
        "a job that fails by its deadline keeps its cluster if no rule names `jobDeploymentStatus: Failed` (ray-project/kuberay#5184)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(strategy) = job.spec.get("deletionStrategy").filter(|_| !job.selects_cluster()) else {
        return;
    };
    for (key, end) in [("onSuccess", "success"), ("onFailure", "failure")] {
        if strategy.get(key).and_then(|policy| text(policy, "policy")) == Some("DeleteNone") {
            findings.push(
                Finding::new(
                    job.job_path("deletionStrategy").keys([key, "policy"]),
                    format!("{key} DeleteNone: after a {end} the cluster stays until somebody deletes it"),
                )
                .fix("use DeleteCluster, or deletion rules with a ttlSeconds"),
            );
        }
    }
    if !has_rules(strategy) {
        return;
    }
    let covers = |key: &str, status: &str| has_rule(strategy, (key, status), &DELETE_PODS, None);
    let any_failure = covers("jobDeploymentStatus", "Failed");
    let mut missing = Vec::new();
    if !any_failure && cx.kuberay() >= KubeRay::V1_6 {
        missing.push("jobDeploymentStatus: Failed");
    } else if !any_failure && !covers("jobStatus", "FAILED") {
        missing.push("jobStatus: FAILED");
    }
    if !covers("jobStatus", "SUCCEEDED") {
        missing.push("jobStatus: SUCCEEDED");
    }
    let fix = match missing.as_slice() {
        [] => return,
        [one] => format!("add a rule with at least DeleteWorkers for {one}"),
        [one, others @ ..] => format!(
            "add a rule with at least DeleteWorkers for {one}, and one for {}",
            others.join(" and one for ")
        ),
    };
    findings.push(
        Finding::new(
            job.job_path("deletionStrategy").then_key("deletionRules"),
            format!(
                "no deletion rule for {}, the cluster then stays until somebody deletes it",
                missing.join(" or ")
            ),
        )
        .fix(fix),
    );
}
