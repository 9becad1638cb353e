//! Finds a `backoffLimit` or a `submitterConfig.backoffLimit` above `limits.maxBackoffLimit`.

use crate::json::Json;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG404",
    title: "backoffLimit must not exceed the policy's limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("backoff_limit.md"),
    evidence: &[Evidence::Limit("maxBackoffLimit")],
    run,
};

const KEY: &str = "backoffLimit";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_backoff_limit else {
        return;
    };
    let submitter = job.spec.get("submitterConfig").and_then(|config| config.get(KEY));
    for (path, name, given, effect) in [
        (job.job_path(KEY), KEY, job.spec.get(KEY), "each retry is a new cluster"),
        (
            job.job_path("submitterConfig").then_key(KEY),
            "submitterConfig.backoffLimit",
            submitter,
            "each retry is a new submitter pod",
        ),
    ] {
        let Some(retries) = given.and_then(Json::as_i64).filter(|retries| *retries > most) else {
            continue;
        };
        findings.push(
            Finding::new(
                path.clone(),
                format!("{name} {retries} is above the limit of {most}, {effect}"),
            )
            .fix(format!("set {name} to at most {most}"))
            .flyte("@task(retries=…)")
            .weight(retries)
            .repair(format!("{name} lowered to {most}"), path, Op::Set(most.into())),
        );
    }
}
