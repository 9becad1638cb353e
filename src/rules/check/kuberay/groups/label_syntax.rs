//! Finds a key or a value of a group's `labels` that is not spelled as a Kubernetes label.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::given;
use crate::k8s::names::{label_key, label_value};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG144",
    title: "Group labels must be valid Kubernetes labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("label_syntax.md"),
    evidence: &[validation(&[83, 90])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let labels = given(pod.group, "labels").and_then(Json::as_object);
        for (key, value) in labels.into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let wrong = match (label_key(key), label_value(value)) {
                (Err(error), _) => format!("label key {} is invalid: {error}", quoted(key)),
                (_, Err(error)) => format!("value {} of label {} is invalid: {error}", quoted(value), quoted(key)),
                (Ok(()), Ok(())) => continue,
            };
            findings.push(
                Finding::new(
                    pod.group_path().then_key("labels").name(key),
                    format!("{}: {wrong}", pod.title()),
                )
                .fix("use a valid Kubernetes label"),
            );
        }
    }
}
