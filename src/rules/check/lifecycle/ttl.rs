//! Finds a `ttlSecondsAfterFinished`, or the `ttlSeconds` of a deletion rule, above `limits.maxTtlSeconds`.

use crate::json::{Array, Json};
use crate::k8s::json::items;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
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
}
