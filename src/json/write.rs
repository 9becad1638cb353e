//! Writing a document, and copying it for other owners.

use std::fmt;

use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::tree::Tree;
use super::view::{Array, Json, Object, View};

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.view() {
            View::Null => serializer.serialize_unit(),
            View::Bool(value) => serializer.serialize_bool(value),
            View::Number(number) => number.serialize(serializer),
            View::String(text) => serializer.serialize_str(text),
            View::Array(array) => serializer.collect_seq(array),
            View::Object(object) => serializer.collect_map(object),
        }
    }
}

impl Json<'_> {
    /// A copy as a value of `serde_json`, for one that is to be kept or changed apart from the document.
    pub fn to_value(self) -> Value {
        match self.view() {
            View::Null => Value::Null,
            View::Bool(value) => Value::Bool(value),
            View::Number(number) => Value::Number(number),
            View::String(text) => Value::String(text.to_owned()),
            View::Array(array) => array.iter().map(Json::to_value).collect(),
            View::Object(object) => object
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_value()))
                .collect(),
        }
    }
}

/// The compact JSON text; with `{:#}`, indented.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match f.alternate() {
            true => serde_json::to_string_pretty(self),
            false => serde_json::to_string(self),
        };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}

/// The compact JSON text.
impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The compact JSON text.
impl fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.root(), f)
    }
}
