//! Finds labels and annotations of a pod template that no pod can have.

use std::borrow::Cow;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::child;
use crate::k8s::names::{label_key, label_value};
use crate::policy::settings::Action;
use crate::ray::kind::RAY_SERVICE;
use crate::ray::{Kinds, Pod, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{in_each_pod, reason};

/// The check.
pub const CHECK: Check = Check {
    code: "RG913",
    title: "Pod labels and annotations must be valid",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("labels.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[149]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The labels that KubeRay writes over those of the head and of workers.
const OF_RAY: [&str; 3] = ["ray.io/cluster", "ray.io/group", "ray.io/node-type"];
/// The labels that KubeRay 1.7 writes over those of the submitter.
const OF_SUBMITTER: [&str; 3] = [
    "app.kubernetes.io/created-by",
    "ray.io/originated-from-cr-name",
    "ray.io/originated-from-crd",
];
/// The labels that KubeRay writes over those of workers in groups that it indexes.
const OF_INDEX: [&str; 3] = [
    "ray.io/replica-host-index",
    "ray.io/worker-group-replica-index",
    "ray.io/worker-group-replica-name",
];
/// The label that KubeRay writes over that of the pods of a RayService.
const OF_SERVICE: &str = "ray.io/serve";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let metadata = child(faults.pod.template, "metadata");
        let pod = faults.pod;
        let at = |map, key: &str| pod.template_path().then_key("metadata").then_key(map).name(key);
        for (key, value) in child(metadata, "labels").as_object().into_iter().flatten() {
            if let Err(error) = label_key(key) {
                let what = format!("label key {} is invalid: {}", quoted(key), reason(&error, key));
                faults.report(at("labels", key), &what, "correct the key");
            }
            let value = Some(value).and_then(Json::as_str).unwrap_or_default();
            if let Some(error) = label_value(value).err().filter(|_| !is_replaced(job, faults.pod, key)) {
                let why = reason(&error, value);
                let (shown, value) = (quoted(key), quoted(value));
                let what = format!("label {shown} has the invalid value {value}: {why}");
                faults.report(at("labels", key), &what, "correct the value, or make it an annotation");
            }
        }
        for (key, _) in child(metadata, "annotations").as_object().into_iter().flatten() {
            if let Err(error) = label_key(&lowercase(key)) {
                let what = format!("annotation key {} is invalid: {}", quoted(key), reason(&error, key));
                faults.report(at("annotations", key), &what, "correct the key");
            }
        }
    });
}

/// The key of an annotation as Kubernetes validates it.
fn lowercase(key: &str) -> Cow<'_, str> {
    if key.chars().any(char::is_uppercase) {
        key.to_lowercase().into()
    } else {
        key.into()
    }
}

/// Whether KubeRay replaces the value of a label.
fn is_replaced(job: &Workload<'_>, pod: &Pod<'_>, key: &str) -> bool {
    match pod.role {
        Role::Submitter => OF_SUBMITTER.contains(&key),
        role => {
            let is_service = job.kind.is(&RAY_SERVICE) || job.label("ray.io/originated-from-crd") == Some("RayService");
            OF_RAY.contains(&key) || role == Role::Worker && OF_INDEX.contains(&key) || is_service && key == OF_SERVICE
        }
    }
}
