//! Fields of a JSON value. What is missing or of the wrong type reads as absent.

use crate::json::{Array, Json};

/// The value under `key`, null where it is missing.
pub fn child<'a>(value: Json<'a>, key: &str) -> Json<'a> {
    value.get(key).unwrap_or(Json::NULL)
}

/// The value below these keys, null where it is missing.
pub fn below<'a>(value: Json<'a>, keys: &[&str]) -> Json<'a> {
    keys.iter().fold(value, |value, key| child(value, key))
}

/// The value under `key`, unless it is missing or null.
pub fn given<'a>(value: Json<'a>, key: &str) -> Option<Json<'a>> {
    value.get(key).filter(|value| !value.is_null())
}

/// The elements of the array under `key`, none if it is missing or not an array.
pub fn items<'a>(value: Json<'a>, key: &str) -> Array<'a> {
    value.get(key).and_then(Json::as_array).unwrap_or(Array::EMPTY)
}

/// The string under `key`.
pub fn text<'a>(value: Json<'a>, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Json::as_str)
}
