//! The defaults that the RayJob CRD puts into an object before admission sees it.
//!
//! Offline, `raygate check` applies them first, so that it says what the cluster would say (KubeRay 1.6, CRD
//! `rayjobs.ray.io`).

use serde_json::{Map, Value, json};

/// Puts the CRD's defaults of `spec` into a RayJob where its fields are absent.
pub fn apply(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    fill(
        spec,
        &[
            ("submissionMode", json!("K8sJobMode")),
            ("backoffLimit", json!(0)),
            ("ttlSecondsAfterFinished", json!(0)),
        ],
    );
    let groups = spec
        .get_mut("rayClusterSpec")
        .and_then(|cluster| cluster.get_mut("workerGroupSpecs"))
        .and_then(Value::as_array_mut);
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

fn fill(object: &mut Map<String, Value>, defaults: &[(&str, Value)]) {
    for (key, value) in defaults {
        if object.get(*key).is_none_or(Value::is_null) {
            object.insert((*key).to_owned(), value.clone());
        }
    }
}
