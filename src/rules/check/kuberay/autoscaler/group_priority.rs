//! Finds a worker group with a `priority` other than 0 where `rayVersion` is missing, cannot be read or is below 2.56,
//! or the autoscaler is not v2.

use crate::json::Json;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::ray_version::RayVersion;
use super::super::validation;
use super::{V2_FIELD, is_v2, v2_variable};

/// The check.
pub const CHECK: Check = Check {
    code: "RG150",
    title: "priority of a group needs the autoscaler v2",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("group_priority.md"),
    evidence: &[validation(&[1121, 1141])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_known = RayVersion::of(job).at_least(2, 56);
    let is_v2 = is_v2(job) || v2_variable(job).is_some();
    if is_known && is_v2 {
        return;
    }
    for pod in job.workers() {
        let priority = given(pod.group, "priority").and_then(Json::as_i64).unwrap_or(0);
        if priority == 0 {
            continue;
        }
        let (problem, fix) = if is_known {
            ("needs the autoscaler v2", V2_FIELD)
        } else {
            (
                "needs a rayVersion of 2.56.0 or later",
                "set rayVersion to that of the image",
            )
        };
        findings.push(
            Finding::new(
                pod.group_path().then_key("priority"),
                format!("{}: priority {priority} {problem}", pod.title()),
            )
            .fix(fix),
        );
    }
}
