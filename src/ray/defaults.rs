//! The defaults that KubeRay's CRDs put into an object before admission sees it.
//!
//! Offline, `raygate check` applies them first, so that it says what the cluster would say (KubeRay 1.6, the CRDs
//! of the API group `ray.io`).

use serde_json::{Map, Value, json};

use super::kind::{Kind, RAY_SERVICE};
use super::workload::K8S_JOB_MODE;

/// Puts the CRD's defaults into a Ray object where its fields are absent.
pub fn apply(object: &mut Value) {
    let kind = Kind::of(object);
    if let Some(job) = kind.job_mut(object).and_then(Value::as_object_mut) {
        fill(
            job,
            &[
                ("submissionMode", json!(K8S_JOB_MODE)),
                ("backoffLimit", json!(0)),
                ("ttlSecondsAfterFinished", json!(0)),
            ],
        );
    }
    let options = kind
        .is(&RAY_SERVICE)
        .then(|| object.pointer_mut("/spec/upgradeStrategy/clusterUpgradeOptions"));
    if let Some(options) = options.flatten().and_then(Value::as_object_mut) {
        fill(options, &[("maxSurgePercent", json!(100))]);
    }
    let groups = kind.groups_mut(object);
    for group in groups.into_iter().flatten().filter_map(Value::as_object_mut) {
        fill(
            group,
            &[
                ("replicas", json!(0)),
                ("minReplicas", json!(0)),
                ("maxReplicas", json!(i32::MAX)),
                ("numOfHosts", json!(1)),
            ],
        );
    }
}

/// Whether an object has its name. On `/mutate` it may still have a `generateName` only.
pub fn is_named(object: &Value) -> bool {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    name.is_some_and(|name| !name.is_empty())
}

/// Gives an object that has only a `generateName` the longest name that the API server may make of it: at most 58
/// characters of it and five more (Kubernetes, `storage/names/generate.go`).
pub fn complete_name(object: &mut Value) {
    if is_named(object) {
        return;
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(base) = metadata
        .get("generateName")
        .and_then(Value::as_str)
        .filter(|base| !base.is_empty())
    {
        let name: String = base.chars().take(58).chain("xxxxx".chars()).collect();
        metadata.insert("name".to_owned(), name.into());
    }
}

fn fill(object: &mut Map<String, Value>, defaults: &[(&str, Value)]) {
    for (key, value) in defaults {
        if object.get(*key).is_none_or(Value::is_null) {
            object.insert((*key).to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_name_is_as_long_as_it_may_become() {
        let length = |mut object: Value| {
            complete_name(&mut object);
            object.pointer("/metadata/name").and_then(Value::as_str).map(str::len)
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
