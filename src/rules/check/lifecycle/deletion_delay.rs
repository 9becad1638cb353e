//! Finds a RayService that keeps an old cluster longer than `limits.maxDeletionDelaySeconds`.

use crate::json::Json;
use crate::k8s::json::child;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG409",
    title: "rayClusterDeletionDelaySeconds must not exceed its limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::ALL,
    page: include_str!("deletion_delay.md"),
    evidence: &[Evidence::Limit("maxDeletionDelaySeconds")],
    run,
};

const KEY: &str = "rayClusterDeletionDelaySeconds";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_deletion_delay_seconds else {
        return;
    };
    let delay = child(child(job.object, "spec"), KEY);
    let Some(delay) = Some(delay).and_then(Json::as_i64).filter(|delay| *delay > most) else {
        return;
    };
    let path = Path::of(["spec", KEY]);
    findings.push(
        Finding::new(
            path.clone(),
            format!("{KEY} of {delay} s exceeds the limit of {most} s, the old cluster keeps its accelerators"),
        )
        .fix(format!("set {KEY} to at most {most}"))
        .weight(delay)
        .repair(format!("{KEY} lowered to {most}"), path, Op::Set(most.into())),
    );
}
