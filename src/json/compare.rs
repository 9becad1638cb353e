//! Equality, as `serde_json` has it: integers equal no floats, and objects with the same entries are equal.

use serde_json::Value;

use super::view::{Array, Json, Object, View};

impl PartialEq for Json<'_> {
    fn eq(&self, other: &Json<'_>) -> bool {
        match (self.view(), other.view()) {
            (View::Null, View::Null) => true,
            (View::Bool(one), View::Bool(other)) => one == other,
            (View::Number(one), View::Number(other)) => one == other,
            (View::String(one), View::String(other)) => one == other,
            (View::Array(one), View::Array(other)) => one == other,
            (View::Object(one), View::Object(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Json<'_> {}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Array<'_>) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Object<'_>) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl PartialEq<Value> for Json<'_> {
    fn eq(&self, other: &Value) -> bool {
        match (self.view(), other) {
            (View::Null, Value::Null) => true,
            (View::Bool(one), Value::Bool(other)) => one == *other,
            (View::Number(one), Value::Number(other)) => one == *other,
            (View::String(one), Value::String(other)) => one == other,
            (View::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == *other)
            }
            (View::Object(one), Value::Object(other)) => {
                let has = |key: &str, other: &Value| one.get(key).is_some_and(|one| one == *other);
                one.len() == other.len() && other.iter().all(|(key, other)| has(key, other))
            }
            _ => false,
        }
    }
}

impl PartialEq<str> for Json<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Json<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}
