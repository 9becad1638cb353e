//! Rules on the fault tolerance of Ray's global control store, GCS (KubeRay 1.6, `validation.go`). Values of variables and
//! parameters may be secrets and are never repeated.

pub mod address_variable;
pub mod address_without_options;
pub mod annotation_and_options;
pub mod embedded_store;
pub mod namespace_annotation;
pub mod password_parameter;
pub mod password_variable;
pub mod storage_with_redis;
pub mod username;

use crate::json::Json;
use crate::k8s::json::text;
use crate::k8s::path::Path;
use crate::ray::{KubeRay, Workload};
use crate::rules::check::Versions;
use crate::rules::{Finding, Findings};

use super::head_variable;

const ENABLED: &str = "ray.io/ft-enabled";

/// `gcsFaultToleranceOptions`, unless missing or null.
fn options<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    job.cluster_field("gcsFaultToleranceOptions")
}

fn options_path(job: &Workload<'_>, key: &'static str) -> Path {
    job.cluster_path("gcsFaultToleranceOptions").key(key)
}

/// Where an annotation of the RayJob stands that is not empty.
fn annotation(job: &Workload<'_>, key: &'static str) -> Option<Path> {
    let is_set = job.cluster_annotation(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| Path::of(["metadata", "annotations", key]))
}

/// Where a start parameter of the head stands that is not empty.
fn head_parameter(job: &Workload<'_>, key: &'static str) -> Option<Path> {
    let head = job.head()?;
    let is_set = head.start_param(key).is_some_and(|value| !value.is_empty());
    is_set.then(|| head.group_path().keys(["rayStartParams", key]))
}

/// Says that `name` stands at `path`, and what belongs there instead.
fn instead(path: Path, name: &str, field: &str) -> Finding {
    Finding::new(path, format!("head: {name} is set, KubeRay wants {field}"))
        .fix(format!("remove {name}, and set gcsFaultToleranceOptions.{field}"))
}

fn beside_options(job: &Workload<'_>, variable: &str, field: &str, findings: &mut Findings) {
    if let Some(path) = head_variable(job, variable).filter(|_| options(job).is_some()) {
        findings.push(instead(path, variable, field));
    }
}

/// The releases with a choice of the store behind fault tolerance.
const WITH_BACKENDS: Versions = Versions::since(KubeRay::V1_7);

fn is_embedded(options: Json<'_>) -> bool {
    text(options, "backend") == Some("rocksdb")
}
