//! Finds a worker group whose `idleTimeoutSeconds` is negative, or set without the autoscaler v2.

use crate::json::Json;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{V2_FIELD, is_v2, v2_variable};

/// The check.
pub const CHECK: Check = Check {
    code: "RG149",
    title: "idleTimeoutSeconds of a group needs the autoscaler v2",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("group_idle_timeout.md"),
    evidence: &[validation(&[1013, 1026])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_v2 = is_v2(job) || v2_variable(job).is_some();
    for pod in job.workers() {
        let Some(seconds) = given(pod.group, "idleTimeoutSeconds").and_then(Json::as_i64) else {
            continue;
        };
        let (problem, fix) = match (seconds < 0, is_v2) {
            (true, _) => ("is below 0", "set idleTimeoutSeconds to at least 0"),
            (false, false) => ("needs the autoscaler v2", V2_FIELD),
            (false, true) => continue,
        };
        findings.push(
            Finding::new(
                pod.group_path().then_key("idleTimeoutSeconds"),
                format!("{}: idleTimeoutSeconds {seconds} {problem}", pod.title()),
            )
            .fix(fix),
        );
    }
}
