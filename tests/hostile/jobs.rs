//! RayJobs as Flyte sends them, changed in one place each.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::binary::{Raygate, create, review};

/// A RayJob of `tests/rayjobs`, by its number.
pub(crate) fn seed(number: usize) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("read tests/rayjobs")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let wanted = format!("seed-{number:02}-");
    let file = files
        .iter()
        .find(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&wanted))
        })
        .expect("a RayJob of that number");
    serde_json::from_slice(&fs::read(file).expect("read a RayJob")).expect("a RayJob is JSON")
}

/// Where the first worker group and the head of a RayJob stand.
pub(crate) const GROUP: &str = "/spec/rayClusterSpec/workerGroupSpecs/0";
pub(crate) const HEAD: &str = "/spec/rayClusterSpec/headGroupSpec";

/// The value at a pointer, to change it.
pub(crate) fn at<'v>(object: &'v mut Value, pointer: &str) -> &'v mut Value {
    object
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("nothing at {pointer}"))
}

/// The RayJob with another value at a pointer.
pub(crate) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/");
    match at(&mut object, parent) {
        Value::Array(items) => items[key.parse::<usize>().expect("a position")] = value,
        map => map[key] = value,
    }
    object
}

/// The pod's first container.
pub(crate) fn container(group: &str) -> String {
    format!("{group}/template/spec/containers/0")
}

/// What `/mutate` makes of an object.
pub(crate) fn mutated(raygate: &Raygate, object: &Value) -> Value {
    apply(object, &raygate.post("/mutate", &create(object)).json())
}

/// The object with the patch of an answer.
pub(crate) fn apply(object: &Value, answer: &Value) -> Value {
    let mut object = object.clone();
    if let Some(patch) = answer["response"]["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).expect("base64");
        let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a JSON Patch");
        json_patch::patch(&mut object, &patch).expect("a patch that fits");
    }
    object
}

/// What `/validate` answers to the creation of an object that went through `/mutate`.
pub(crate) fn judged(raygate: &Raygate, object: &Value) -> Value {
    let object = mutated(raygate, object);
    raygate.post("/validate", &create(&object)).json()["response"].take()
}

/// What `/validate` answers to a change.
pub(crate) fn changed(raygate: &Raygate, old: &Value, new: &Value) -> Value {
    raygate.post("/validate", &review("UPDATE", new, old)).json()["response"].take()
}

/// The codes of a denial's causes.
pub(crate) fn codes(response: &Value) -> Vec<String> {
    let causes = response.pointer("/status/details/causes").and_then(Value::as_array);
    let codes = causes
        .into_iter()
        .flatten()
        .filter_map(|cause| cause["reason"].as_str());
    codes.map(str::to_owned).collect()
}

/// Fails unless the answer refuses with this code among its causes, each of which has a field.
#[track_caller]
pub(crate) fn assert_denied(response: &Value, code: &str) {
    assert_eq!(response["allowed"], json!(false), "{response}");
    assert!(
        codes(response).iter().any(|found| found == code),
        "{code} in {response}"
    );
    for cause in response["status"]["details"]["causes"].as_array().expect("causes") {
        assert!(
            cause["field"].as_str().is_some_and(|field| !field.is_empty()),
            "{cause}"
        );
    }
}

/// Fails unless the answer admits the object with a warning of this check.
#[track_caller]
pub(crate) fn assert_warned(response: &Value, code: &str) {
    assert_allowed(response);
    let warnings = response["warnings"].as_array().expect("warnings");
    let code = format!("[{code}]");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.as_str().is_some_and(|text| text.contains(&code))),
        "{code} in {response}"
    );
}

/// Fails unless the answer admits the object.
#[track_caller]
pub(crate) fn assert_allowed(response: &Value) {
    assert_eq!(response["allowed"], json!(true), "{response}");
}
