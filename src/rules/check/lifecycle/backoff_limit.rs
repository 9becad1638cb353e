//! # What it does
//! Finds a `backoffLimit` above `limits.maxBackoffLimit`. Without that limit it finds nothing. KubeRay 1.2 and later.
//!
//! # Why it is bad
//! Each retry is a whole new cluster with all its GPUs, and its deadline begins anew: a `backoffLimit` of 5 can cost six
//! clusters.
//!
//! # What fixes it
//! The repair lowers it to the limit. In Flyte, `@task(retries=…)` retries the task instead, and Flyte never sets this field.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {maxBackoffLimit: 1}}
//! spec: {backoffLimit: 5}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {maxBackoffLimit: 1}}
//! spec: {backoffLimit: 1}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG404",
    title: "backoffLimit is above the limit",
    action: Action::Fix,
    fixes: true,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("backoff_limit.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_backoff_limit else {
        return;
    };
    let Some(retries) = job.number("backoffLimit").filter(|retries| *retries > most) else {
        return;
    };
    let path = Path::of(["spec", "backoffLimit"]);
    findings.push(
        Finding::new(
            path.clone(),
            format!("backoffLimit {retries} is above the limit of {most}, each retry is a new cluster"),
        )
        .fix(format!("set backoffLimit to at most {most}"))
        .flyte("@task(retries=…)")
        .weight(retries)
        .repair(format!("backoffLimit lowered to {most}"), path, Op::Set(most.into())),
    );
}
