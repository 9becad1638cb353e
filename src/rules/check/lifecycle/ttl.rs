//! Finds a `ttlSecondsAfterFinished`, or the `ttlSeconds` of a deletion rule, above `limits.maxTtlSeconds`, and a
//! deletion strategy that keeps the cluster for ever.

use crate::json::{Array, Json};
use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::deletion::{DELETE_PODS, has_rule, has_rules};
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG401",
    title: "ttlSecondsAfterFinished must not exceed the policy's limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("ttl.md"),
    evidence: &[Evidence::Limit("maxTtlSeconds")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_ttl_seconds else {
        return;
    };
    let mut report = |path: Path, ttl: i64, what: &str| {
        if ttl > most {
            findings.push(
                Finding::new(
                    path.clone(),
                    format!("{what} of {ttl} s is above the limit of {most} s"),
                )
                .fix(format!("set {what} to at most {most}"))
                .flyte(format!("RayJobConfig(ttl_seconds_after_finished={most})"))
                .weight(ttl)
                .repair(format!("{what} lowered to {most}"), path, Op::Set(most.into())),
            );
        }
    };
    if let Some(ttl) = job.number("ttlSecondsAfterFinished") {
        report(job.job_path("ttlSecondsAfterFinished"), ttl, "ttlSecondsAfterFinished");
    }
    let rules = job
        .spec
        .get("deletionStrategy")
        .map_or(Array::EMPTY, |strategy| items(strategy, "deletionRules"));
    for (index, rule) in rules.iter().enumerate() {
        let ttl = rule.get("condition").and_then(|condition| condition.get("ttlSeconds"));
        if let Some(ttl) = ttl.and_then(Json::as_i64) {
            let at = job.job_path("deletionStrategy").then_key("deletionRules").index(index);
            report(at.keys(["condition", "ttlSeconds"]), ttl, "ttlSeconds");
        }
    }
    kept_for_ever(cx, job, most, findings);
}

/// Finds the ends of a job after which its deletion strategy says that the pods stay: no TTL is as long as that.
fn kept_for_ever(cx: &Cx<'_>, job: &Workload<'_>, most: i64, findings: &mut Findings) {
    let strategy = job.spec.get("deletionStrategy");
    let Some(strategy) = strategy.filter(|_| !job.selects_cluster() && cx.kuberay() >= KubeRay::V1_5) else {
        return;
    };
    let at = job.job_path("deletionStrategy");
    for (key, end) in [("onSuccess", "success"), ("onFailure", "failure")] {
        if strategy.get(key).and_then(|policy| text(policy, "policy")) == Some("DeleteNone") {
            findings.push(
                Finding::new(
                    at.keys([key, "policy"]),
                    format!("after a {end} the cluster stays for ever, the limit is {most} s"),
                )
                .fix("use DeleteCluster, or leave deletionStrategy out"),
            );
        }
    }
    if !has_rules(strategy) {
        return;
    }
    let has = |key, status| has_rule(strategy, (key, status), &DELETE_PODS, None);
    let succeeds = has("jobStatus", "SUCCEEDED");
    let fails = has("jobStatus", "FAILED") || has("jobDeploymentStatus", "Failed");
    let (ends, weight) = match (succeeds, fails) {
        (true, true) => return,
        (false, true) => ("a success", 1),
        (true, false) => ("a failure", 1),
        (false, false) => ("a success and after a failure", 2),
    };
    findings.push(
        Finding::new(
            at.key("deletionRules"),
            format!("after {ends} the cluster stays for ever, the limit is {most} s"),
        )
        .weight(weight)
        .fix("add rules with DeleteCluster for every end, or leave deletionStrategy out"),
    );
}
