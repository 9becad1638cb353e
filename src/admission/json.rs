//! JSON values without double meanings: a key given twice is an error, because two readers may choose differently.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A Kubernetes object, each key of its objects once, without its `metadata.managedFields`: who set which field is the
/// API server's own bookkeeping, no rule reads it, and it is often a third of the text.
#[derive(Debug)]
pub struct Strict(pub Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Place::Root.deserialize(deserializer).map(Strict)
    }
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Metadata,
    Elsewhere,
}

impl Place {
    fn below(self, key: &str) -> Place {
        match self {
            Place::Root if key == "metadata" => Place::Metadata,
            _ => Place::Elsewhere,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Place::Elsewhere)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            if self == Place::Metadata && key == "managedFields" {
                access.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = access.next_value_seed(self.below(&key))?;
            entries.push((key, value));
        }
        let count = entries.len();
        // Built at once from keys in order, which is how an API server sends them, a map takes half the time.
        let map = Map::from_iter(entries);
        if map.len() == count {
            Ok(Value::Object(map))
        } else {
            Err(A::Error::custom("a key stands twice in one object"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_given_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[{"a":{"b":1,"c":2,"b":3}}]"#,
            "{\"a\":1,\"\\u0061\":2}",
        ] {
            assert!(serde_json::from_str::<Strict>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn everything_else_reads_as_usual() {
        let text = r#"{"a":[1,-2,3.5,18446744073709551615,"x",null,true,{}]}"#;
        assert_eq!(
            serde_json::from_str::<Strict>(text).unwrap().0,
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn managed_fields_are_left_out_of_the_metadata_alone() {
        let text = r#"{
            "managedFields": 1,
            "metadata": {"managedFields": [{"fieldsV1": {"f:a": {}}}], "name": "x", "annotations": {"managedFields": "2"}},
            "spec": {"metadata": {"managedFields": 3}}
        }"#;
        let expected = serde_json::json!({
            "managedFields": 1,
            "metadata": {"name": "x", "annotations": {"managedFields": "2"}},
            "spec": {"metadata": {"managedFields": 3}},
        });
        assert_eq!(serde_json::from_str::<Strict>(text).unwrap().0, expected);
    }
}
