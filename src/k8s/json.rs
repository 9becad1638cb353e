//! Fields of a JSON value. What is missing or of the wrong type reads as absent.

use serde_json::Value;

/// Stands for what is missing.
pub static NULL: Value = Value::Null;

/// The value under `key`, null where it is missing.
pub fn child<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&NULL)
}

/// The value below these keys, null where it is missing.
pub fn below<'a>(value: &'a Value, keys: &[&str]) -> &'a Value {
    keys.iter().fold(value, |value, key| child(value, key))
}

/// The value under `key`, unless it is missing or null.
pub fn given<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// The elements of the array under `key`, none if it is missing or not an array.
pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The string under `key`.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
