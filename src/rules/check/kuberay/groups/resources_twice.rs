//! Finds a head or worker group with `resources` of its own and one of the start parameters `num-cpus`, `num-gpus`,
//! `memory` and `resources`.

use crate::json::Json;
use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG142",
    title: "Ray resources belong in resources or rayStartParams, not in both",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("resources_twice.md"),
    evidence: &[validation(&[66])],
    run,
};

/// The start parameters that say the same as a group's `resources`.
const RESOURCE_PARAMETERS: [&str; 4] = ["num-cpus", "num-gpus", "memory", "resources"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let has_resources = given(pod.group, "resources")
            .and_then(Json::as_object)
            .is_some_and(|resources| !resources.is_empty());
        let parameter = RESOURCE_PARAMETERS
            .into_iter()
            .find(|key| pod.start_param(key).is_some_and(|value| !value.is_empty()));
        if let Some(parameter) = parameter.filter(|_| has_resources) {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("resources"),
                    format!(
                        "{}: resources beside the start parameter {parameter}, KubeRay takes one",
                        pod.title()
                    ),
                )
                .fix(format!("remove resources, or rayStartParams[\"{parameter}\"]"))
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}
