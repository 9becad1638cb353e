//! The defaults that KubeRay's CRDs put into an object before admission sees it.
//!
//! Offline, `raygate check` applies them first, so that it says what the cluster would say (KubeRay 1.6, the CRDs
//! of the API group `ray.io`).

use serde_json::{Value, json};

use crate::json::{Json, JsonMut, Tree};
use crate::k8s::json::{child, text};
use crate::k8s::path::Path;

use super::kind::{Kind, RAY_SERVICE};
use super::workload::K8S_JOB_MODE;

/// The defaults of the job's spec.
fn of_job() -> [(&'static str, Value); 3] {
    [
        ("submissionMode", json!(K8S_JOB_MODE)),
        ("backoffLimit", json!(0)),
        ("ttlSecondsAfterFinished", json!(0)),
    ]
}

/// Whether a field of the job's spec has the value that [`apply`] gives it, so that its author need not have written it. A
/// release that does not have the field, such as `backoffLimit` in KubeRay 1.1, has no default for it either.
pub fn may_be_filled(object: Json<'_>, path: &Path) -> bool {
    let job = Kind::of(object).job_path();
    let mut defaults = of_job().into_iter();
    defaults.any(|(key, value)| *path == job.key(key) && path.get(object).is_some_and(|given| given == value))
}

/// Puts the CRD's defaults into a Ray object where its fields are absent.
pub fn apply(object: &mut Tree<'_>) {
    let kind = Kind::of(object.root());
    for (key, value) in of_job() {
        fill(kind.job_mut(object), key, &value);
    }
    if kind.is(&RAY_SERVICE) {
        let spec = object.root_mut().key("spec");
        let strategy = spec.and_then(|spec| spec.key("upgradeStrategy"));
        let options = strategy.and_then(|strategy| strategy.key("clusterUpgradeOptions"));
        fill(options, "maxSurgePercent", &json!(100));
    }
    for index in 0..kind.groups(object.root()).len() {
        for (key, value) in [
            ("replicas", json!(0)),
            ("minReplicas", json!(0)),
            ("maxReplicas", json!(i32::MAX)),
            ("numOfHosts", json!(1)),
        ] {
            let group = kind.groups_mut(object).and_then(|groups| groups.index(index));
            fill(group, key, &value);
        }
    }
}

/// Whether an object has its name. On `/mutate` it may still have a `generateName` only.
pub fn is_named(object: Json<'_>) -> bool {
    let name = object.pointer("/metadata/name").and_then(Json::as_str);
    name.is_some_and(|name| !name.is_empty())
}

/// Gives an object that has only a `generateName` the longest name that the API server may make of it: at most 58
/// characters of it and five more (Kubernetes, `storage/names/generate.go`).
pub fn complete_name(object: &mut Tree<'_>) {
    let base = text(child(object.root(), "metadata"), "generateName").unwrap_or_default();
    if is_named(object.root()) || base.is_empty() {
        return;
    }
    let name: String = base.chars().take(58).chain("xxxxx".chars()).collect();
    set(object.root_mut().key("metadata"), "name", &name.into());
}

/// Sets a field where it is missing or null.
fn fill(object: Option<JsonMut<'_, '_>>, key: &str, value: &Value) {
    let lacks = |object: &JsonMut<'_, '_>| object.get().get(key).is_none_or(Json::is_null);
    set(object.filter(lacks), key, value);
}

fn set(object: Option<JsonMut<'_, '_>>, key: &str, value: &Value) {
    // What is no object has no fields.
    let _ = object.map(|object| object.insert(key, value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_name_is_as_long_as_it_may_become() {
        let length = |object: Value| {
            let mut object = Tree::of(&object).unwrap();
            complete_name(&mut object);
            text(child(object.root(), "metadata"), "name").map(str::len)
        };
        assert_eq!(length(json!({"metadata": {"generateName": "train-"}})), Some(11));
        assert_eq!(length(json!({"metadata": {"generateName": "x".repeat(80)}})), Some(63));
        assert_eq!(
            length(json!({"metadata": {"generateName": "train-", "name": "a"}})),
            Some(1)
        );
        assert_eq!(length(json!({"metadata": {}})), None);
    }
}
