//! A JSON text that is put over a RayJob, which may make another kind of it: the patch is true, the mutation idempotent, and what it made is judged.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use serde_json::{Value, json};

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(Bundle::embedded()));
static JOB: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../tests/rayjobs/seed-01-gpu-training.json")).expect("a RayJob is JSON")
});

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) if !from.is_empty() => {
            for (position, value) in from.into_iter().enumerate() {
                match into.get_mut(position) {
                    Some(there) => merge(there, value),
                    None => into.push(value),
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn ask(endpoint: Endpoint, object: &Value) -> Value {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "kind": {"group": "ray.io", "version": "v1", "kind": object["kind"]}, "operation": "CREATE",
        "namespace": "mlplatform-production", "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
        "object": object,
    }});
    let answer = GATE.answer(endpoint, review.to_string().as_bytes(), Timestamp::UNIX_EPOCH);
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fuzz_target!(|text: &[u8]| {
    let Ok(changes) = serde_json::from_slice::<Value>(text) else { return };
    let mut object = JOB.clone();
    merge(&mut object, changes);
    let once = ask(Endpoint::Mutate, &object);
    let mut replayed = object.clone();
    if let Some(patch) = once["response"]["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).expect("base64");
        let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a JSON Patch");
        json_patch::patch(&mut replayed, &patch).expect("the patch fits");
    }
    let twice = ask(Endpoint::Mutate, &replayed);
    assert!(twice["response"].get("patch").is_none(), "{twice}");
    let _ = ask(Endpoint::Validate, &replayed);
});
