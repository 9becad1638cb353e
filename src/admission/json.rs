//! JSON values without double meanings: a key given twice is an error, because two readers may choose differently.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::engine::bound::MOST_VALUES;

/// A Kubernetes object, each key of its objects once, without its `metadata.managedFields`: who set which field is the
/// API server's own bookkeeping, no rule reads it, and it is often a third of the text.
#[derive(Debug)]
pub struct Strict(pub Value);

/// Why an object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It has more than [`MOST_VALUES`] values.
    #[error("it has more than {MOST_VALUES} JSON values")]
    TooManyValues,
    /// It is not JSON, or a key is in one of its objects twice.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Strict {
    /// Reads an object from its text.
    ///
    /// # Errors
    /// [`Unreadable`], as soon as the text shows it: what is behind is not read.
    pub fn read(text: &str) -> Result<Strict, Unreadable> {
        let left = Cell::new(MOST_VALUES + 1);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Place::Root.within(&left).deserialize(&mut deserializer);
        match read.and_then(|value| deserializer.end().map(|()| value)) {
            Ok(value) => Ok(Strict(value)),
            Err(_) if left.get() == 0 => Err(Unreadable::TooManyValues),
            Err(error) => Err(error.into()),
        }
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(MOST_VALUES + 1);
        Place::Root.within(&left).deserialize(deserializer).map(Strict)
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

    fn within(self, left: &Cell<usize>) -> Reader<'_> {
        Reader { place: self, left }
    }
}

/// Reads one value and all in it.
#[derive(Clone, Copy)]
struct Reader<'a> {
    place: Place,
    /// One more than the values that may still come. 0 once there were too many.
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        if left == 0 {
            return Err(D::Error::custom(Unreadable::TooManyValues));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
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
        while let Some(item) = access.next_element_seed(Place::Elsewhere.within(self.left))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            if self.place == Place::Metadata && key == "managedFields" {
                access.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = access.next_value_seed(self.place.below(&key).within(self.left))?;
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
    use crate::engine::bound::has_too_many_values;

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

    /// An object with this many values: its lists and strings are values too, its keys are not.
    fn with_values(count: usize) -> String {
        format!(r#"{{"a":[{}]}}"#, vec!["1"; count - 2].join(","))
    }

    #[test]
    fn the_bound_on_values_is_exact() {
        assert!(Strict::read(&with_values(MOST_VALUES)).is_ok());
        assert!(serde_json::from_str::<Strict>(&with_values(MOST_VALUES)).is_ok());
        let more = with_values(MOST_VALUES + 1);
        assert!(matches!(Strict::read(&more), Err(Unreadable::TooManyValues)));
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert!(!has_too_many_values(&value(&with_values(MOST_VALUES))));
        assert!(has_too_many_values(&value(&more)));
        assert!(serde_json::from_str::<Strict>(&more).is_err());
    }

    #[test]
    fn values_beyond_the_bound_are_not_read() {
        let broken = with_values(2 * MOST_VALUES) + "no JSON";
        assert!(matches!(Strict::read(&broken), Err(Unreadable::TooManyValues)));
    }

    #[test]
    fn an_error_behind_the_last_value_that_fits_is_that_error() {
        let broken = with_values(MOST_VALUES) + "no JSON";
        assert!(matches!(Strict::read(&broken), Err(Unreadable::Json(_))));
    }

    #[test]
    fn managed_fields_do_not_count() {
        let many = with_values(2 * MOST_VALUES);
        let text = format!(r#"{{"metadata":{{"managedFields":[{many}]}}}}"#);
        assert!(Strict::read(&text).is_ok());
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
