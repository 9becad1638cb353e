//! Finds a worker group whose `minReplicas` is above its `maxReplicas`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG148",
    title: "minReplicas must not exceed maxReplicas",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("minimum_above_maximum.md"),
    evidence: &[validation(&[136])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let (least, most) = (
            pod.group_number("minReplicas", 0),
            pod.group_number("maxReplicas", i64::from(i32::MAX)),
        );
        if least > most {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("minReplicas"),
                    format!("{}: minReplicas {least} is above maxReplicas {most}", pod.title()),
                )
                .fix("set minReplicas to at most maxReplicas")
                .flyte(flyte::setting(pod, &format!("min_replicas={}", most.max(0))))
                .weight(least.saturating_sub(most)),
            );
        }
    }
}
