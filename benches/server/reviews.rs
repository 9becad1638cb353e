//! The reviews that are sent: the ten RayJobs as an API server would send them, and one of them grown.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use serde_json::{Map, Value, json};

use crate::cells::{Bodies, Cell};
use crate::load;

const UID: &str = "0a3c6b9e-7d1f-4c52-9f6a-2b8e1d0c4f77";

/// The ten as Flyte created them, and as `/mutate` left them.
pub(crate) struct Reviews {
    gate: Gate,
    jobs: Vec<Value>,
}

impl Reviews {
    pub(crate) fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
        let entries = fs::read_dir(folder).expect("list tests/rayjobs");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        let jobs = files.iter().map(|file| {
            let text = fs::read_to_string(file).expect("read a RayJob");
            with_owners(serde_json::from_str(&text).expect("parse a RayJob"))
        });
        Self {
            gate: Gate::new(Bundle::embedded()),
            jobs: jobs.collect(),
        }
    }

    /// The bodies of a kind: for `/validate` those of the completed jobs.
    pub(crate) fn bodies(&self, endpoint: &str, bodies: Bodies) -> Vec<Vec<u8>> {
        let jobs: Vec<Value> = match bodies {
            Bodies::Ten | Bodies::NotOurs => self.jobs.clone(),
            Bodies::Kb15 => vec![grown(&self.jobs[0], 15_000)],
            Bodies::Kb40 => vec![grown(&self.jobs[0], 40_000)],
            Bodies::Kb400 => vec![grown(&self.jobs[0], 400_000)],
        };
        let kind = if bodies == Bodies::NotOurs {
            "RayCluster"
        } else {
            "RayJob"
        };
        let jobs = jobs.into_iter().map(|mut job| {
            if endpoint == "validate" {
                complete(&self.gate, &mut job);
            }
            job["kind"] = kind.into();
            review(&job)
        });
        jobs.collect()
    }

    /// The mean bytes of each kind of body, before `/mutate`.
    pub(crate) fn sizes(&self) -> Vec<(Bodies, usize)> {
        let kinds = [Bodies::Ten, Bodies::Kb15, Bodies::Kb40, Bodies::Kb400, Bodies::NotOurs];
        let sizes = kinds.map(|kind| {
            let bodies = self.bodies("mutate", kind);
            (kind, bodies.iter().map(Vec::len).sum::<usize>() / bodies.len())
        });
        sizes.into()
    }

    /// The requests of a cell, as the bytes that are sent.
    pub(crate) fn requests(&self, cell: &Cell) -> Arc<Vec<Vec<u8>>> {
        let bodies = self.bodies(cell.endpoint, cell.bodies);
        let requests = bodies.iter().map(|body| load::request(cell.endpoint, body));
        Arc::new(requests.collect())
    }
}

/// Makes of the job what `/mutate` makes of it.
fn complete(gate: &Gate, job: &mut Value) {
    let answer = gate.answer(Endpoint::Mutate, &review(job), jiff::Timestamp::now());
    let answer: Value = serde_json::from_slice(&answer.body).expect("an answer in JSON");
    let patch = answer["response"]["patch"]
        .as_str()
        .expect("every one of the ten is completed");
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).expect("base64");
    let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a JSON Patch");
    json_patch::patch(job, &patch).expect("a patch that fits");
}

/// The job with its first worker group again and again, each under a name of its own, until its review is about so
/// large.
fn grown(job: &Value, bytes: usize) -> Value {
    let mut job = job.clone();
    let groups = |job: &Value| job["spec"]["rayClusterSpec"]["workerGroupSpecs"].clone();
    let group = groups(&job)[0].clone();
    let each = group.to_string().len();
    let missing = (bytes.saturating_sub(review(&job).len()) + each / 2) / each;
    let groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"].as_array_mut();
    let groups = groups.expect("worker groups");
    for nth in 0..missing {
        let mut group = group.clone();
        group["groupName"] = format!("group-{nth}").into();
        groups.push(group);
    }
    job
}

/// A review of a creation, with everything that an API server of 1.37 puts into it.
fn review(object: &Value) -> Vec<u8> {
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
