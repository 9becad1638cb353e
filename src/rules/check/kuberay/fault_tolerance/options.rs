//! The options of fault tolerance.

use super::super::{cluster_field, cluster_path, head_variable};
use crate::k8s::json::text;
use crate::k8s::path::Path;
use crate::ray::{KubeRay, Workload};
use crate::rules::check::Versions;
use crate::rules::{Finding, Findings};
use serde_json::Value;

pub(super) const ENABLED: &str = "ray.io/ft-enabled";

/// `gcsFaultToleranceOptions`, unless missing or null.
pub(super) fn options<'a>(job: &Workload<'a>) -> Option<&'a Value> {
    cluster_field(job, "gcsFaultToleranceOptions")
}

pub(super) fn options_path(key: &'static str) -> Path {
    cluster_path("gcsFaultToleranceOptions").key(key)
}

/// Where an annotation of the RayJob stands that is not empty.
pub(super) fn annotation(job: &Workload<'_>, key: &'static str) -> Option<Path> {
    let is_set = job.annotation(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| Path::of(["metadata", "annotations", key]))
}

/// Where a start parameter of the head stands that is not empty.
pub(super) fn head_parameter(job: &Workload<'_>, key: &'static str) -> Option<Path> {
    let head = job.head()?;
    let is_set = head.start_param(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| head.group_path().keys(["rayStartParams", key]))
}

/// Says that `name` stands at `path`, and what belongs there instead.
pub(super) fn instead(path: Path, name: &str, field: &str) -> Finding {
    Finding::new(path, format!("head: {name} is set, KubeRay wants {field}"))
        .fix(format!("remove {name}, and set gcsFaultToleranceOptions.{field}"))
}

pub(super) fn beside_options(job: &Workload<'_>, variable: &str, field: &str, findings: &mut Findings) {
    if let Some(path) = head_variable(job, variable).filter(|_| options(job).is_some()) {
        findings.push(instead(path, variable, field));
    }
}

/// The releases with a choice of the store behind fault tolerance.
pub(super) const WITH_BACKENDS: Versions = Versions::since(KubeRay::V1_7);

pub(super) fn is_embedded(options: &Value) -> bool {
    text(options, "backend") == Some("rocksdb")
}
