//! RayJobs and their reviews as an API server sends them.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use serde_json::{Map, Value, json};

const UID: &str = "0a3c6b9e-7d1f-4c52-9f6a-2b8e1d0c4f77";

/// The ten of `tests/rayjobs`, each with its file's name.
pub(crate) fn jobs() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let entries = fs::read_dir(folder).expect("list tests/rayjobs");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let jobs = files.iter().map(|file| {
        let name = file.file_stem().expect("a file's name").to_string_lossy().into_owned();
        let text = fs::read_to_string(file).expect("read a RayJob");
        (name, with_owners(serde_json::from_str(&text).expect("parse a RayJob")))
    });
    jobs.collect()
}

/// Makes of the job what `/mutate` makes of it.
pub(crate) fn complete(gate: &Gate, job: &mut Value) {
    let answer = gate.answer(Endpoint::Mutate, &review(job), Timestamp::UNIX_EPOCH);
    let answer: Value = serde_json::from_slice(&answer.body).expect("an answer in JSON");
    let patch = answer["response"]["patch"]
        .as_str()
        .expect("every one of the ten is completed");
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).expect("base64");
    let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a JSON Patch");
    json_patch::patch(job, &patch).expect("a patch that fits");
}

/// A review of a creation, with everything that an API server of 1.37 puts into it.
pub(crate) fn review(object: &Value) -> Vec<u8> {
    let (kind, resource) = match object["kind"].as_str() {
        Some("RayCluster") => ("RayCluster", "rayclusters"),
        _ => ("RayJob", "rayjobs"),
    };
    let group_kind = json!({"group": "ray.io", "version": "v1", "kind": kind});
    let group_resource = json!({"group": "ray.io", "version": "v1", "resource": resource});
    let user = json!({
        "username": "system:serviceaccount:flyte:flytepropeller",
        "uid": "5f0c1f5e-5a53-4d7b-8f8e-3f3c8d2f6b1a",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:flyte", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=2d9a2a4e-6a0e-4f1c-9a55-6f2c6c1f9a11"]},
    });
    let (name, namespace) = (&object["metadata"]["name"], &object["metadata"]["namespace"]);
    // In the API server's order: the object comes after what decides whether it is read.
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{UID}","kind":{group_kind},"resource":{group_resource},"requestKind":{group_kind},"requestResource":{group_resource},"name":{name},"namespace":{namespace},"operation":"CREATE","userInfo":{user},"object":{object},"oldObject":null,"dryRun":false,"options":{{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}}}}"#
    )
    .into_bytes()
}

/// The job with what the API server adds before it asks a webhook: identity, and which fields are Flyte's.
fn with_owners(mut job: Value) -> Value {
    let owned = owned(&json!({"metadata": {
        "annotations": job["metadata"]["annotations"],
        "labels": job["metadata"]["labels"],
        "ownerReferences": job["metadata"]["ownerReferences"],
    }, "spec": job["spec"]}));
    job["metadata"]["uid"] = "b1a9a2b0-6f0d-4f5e-9c56-0f2b3f1d7c11".into();
    job["metadata"]["creationTimestamp"] = "2026-01-05T09:30:00Z".into();
    job["metadata"]["generation"] = 1.into();
    job["metadata"]["managedFields"] = json!([{
        "manager": "flytepropeller",
        "operation": "Update",
        "apiVersion": "ray.io/v1",
        "time": "2026-01-05T09:30:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    }]);
    job
}

/// The fields of a value in the form of `managedFields`: a list whose items have a key is owned item by item, any other
/// as a whole.
fn owned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let fields = fields.map(|(name, value)| (format!("f:{name}"), owned_field(name, value)));
            Value::Object(fields.collect())
        }
        _ => json!({}),
    }
}

fn owned_field(name: &str, value: &Value) -> Value {
    let keys: &[&str] = match name {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
        "ports" => &["containerPort", "protocol"],
        "volumeMounts" => &["mountPath"],
        "ownerReferences" => &["uid"],
        _ => return owned(value),
    };
    let items = value.as_array().into_iter().flatten().map(|item| {
        let key: Map<String, Value> = keys
            .iter()
            .map(|key| ((*key).to_owned(), item.get(key).cloned().unwrap_or("TCP".into())))
            .collect();
        let mut fields = owned(item);
        fields["."] = json!({});
        (format!("k:{}", Value::Object(key)), fields)
    });
    Value::Object(items.collect())
}
