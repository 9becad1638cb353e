//! Small edits of pods as JSON. What has the wrong type reads as absent, and is replaced when something is added to it.

use serde_json::{Map, Value, json};

/// An object of JSON.
pub(super) type Fields = Map<String, Value>;

/// The object under `key`, taken out of `map`; an empty one where there is none.
pub(super) fn take_object(map: &mut Fields, key: &str) -> Fields {
    match map.remove(key) {
        Some(Value::Object(object)) => object,
        _ => Fields::new(),
    }
}

/// The list under `key`, taken out of `map`; an empty one where there is none.
pub(super) fn take_list(map: &mut Fields, key: &str) -> Vec<Value> {
    match map.remove(key) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// Puts a list under `key`, unless it is empty.
pub(super) fn put_list(map: &mut Fields, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        map.insert(key.to_owned(), Value::Array(list));
    }
}

/// Appends to the list under `key`.
pub(super) fn append(map: &mut Fields, key: &str, values: impl IntoIterator<Item = Value>) {
    let mut list = take_list(map, key);
    list.extend(values);
    put_list(map, key, list);
}

/// A field that is neither missing nor null.
pub(super) fn given<'v>(map: &'v Fields, key: &str) -> Option<&'v Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// A text that is not empty.
pub(super) fn text<'v>(map: &'v Fields, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether the list under `list` has an element whose `key` is `wanted`.
pub(super) fn has(map: &Fields, list: &str, key: &str, wanted: &str) -> bool {
    let elements = map.get(list).and_then(Value::as_array);
    let is_it = |element: &Value| element.get(key).is_some_and(|value| value == wanted);
    elements.is_some_and(|elements| elements.iter().any(is_it))
}

/// Adds an environment variable.
pub(super) fn env(container: &mut Fields, name: &str, value: &str) {
    append(container, "env", [json!({"name": name, "value": value})]);
}

/// Adds an environment variable unless the container has one of that name.
pub(super) fn missing_env(container: &mut Fields, name: &str, value: &str) {
    if !has(container, "env", "name", name) {
        env(container, name, value);
    }
}

/// Adds an environment variable with a field of the pod as its value.
pub(super) fn field_env(container: &mut Fields, name: &str, field: &str) {
    let source = json!({"fieldRef": {"fieldPath": field}});
    append(container, "env", [json!({"name": name, "valueFrom": source})]);
}

/// The same limits and requests.
pub(super) fn exactly(cpu: &str, memory: &str) -> Value {
    let block = json!({"cpu": cpu, "memory": memory});
    json!({"limits": block, "requests": block})
}

/// The command of a container that KubeRay starts through a shell (`utils.GetContainerCommand`).
pub(super) fn shell(options: &str) -> Value {
    json!(["/bin/bash", format!("-c{options}"), "--"])
}
