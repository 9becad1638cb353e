//! Finds the start parameter `labels`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG143",
    title: "Labels belong in labels, not in rayStartParams",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("labels_parameter.md"),
    evidence: &[validation(&[74])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let parameters = pod.start_params();
        if parameters.is_some_and(|parameters| parameters.get("labels").is_some_and(|value| !value.is_null())) {
            findings.push(
                Finding::new(
                    pod.group_path().keys(["rayStartParams", "labels"]),
                    format!("{}: the start parameter labels is KubeRay's own", pod.title()),
                )
                .fix("move it to the group's labels")
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}
