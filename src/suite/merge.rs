//! Small changes to an object: `set` merges into it, `unset` takes paths away.

use serde_json::Value;

use crate::diag::Span;
use crate::k8s::path::{Path, Step};
use crate::yaml::{Node, NodeValue};

/// Objects merge key by key, lists element by element, null takes a key away, and an empty list replaces.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(from)) if !from.is_empty() => {
            for (index, value) in from.into_iter().enumerate() {
                if index >= into.len() {
                    into.push(Value::Null);
                }
                if let Some(element) = into.get_mut(index) {
                    merge(element, value);
                }
            }
        }
        (into, from) => *into = from,
    }
}

/// The places in `set` that leave the object as it is. An empty mapping that only holds an element's place in a list,
/// before others, is none.
pub(super) fn idle(object: Option<&Value>, set: &Node) -> Vec<Span> {
    let mut out = Vec::new();
    find_idle(object, set, set.span, &mut out);
    out
}

fn find_idle(object: Option<&Value>, set: &Node, span: Span, out: &mut Vec<Span>) {
    match (&set.value, object) {
        (NodeValue::Mapping(entries), Some(Value::Object(map))) => {
            if entries.is_empty() {
                out.push(span);
            }
            for entry in entries {
                find_idle(map.get(&entry.key.text), &entry.value, entry.key.span, out);
            }
        }
        (NodeValue::Sequence(elements), Some(Value::Array(items))) if !elements.is_empty() => {
            for (index, element) in elements.iter().enumerate() {
                let holds_place = index + 1 < elements.len() && element.as_mapping().is_some_and(<[_]>::is_empty);
                if !holds_place || index >= items.len() {
                    find_idle(items.get(index), element, element.span, out);
                }
            }
        }
        (NodeValue::Null, None) => out.push(span),
        (_, Some(value)) if set.to_json() == *value => out.push(span),
        _ => {}
    }
}

/// Takes the value at a path away; whether there was one.
pub(super) fn unset(object: &mut Value, path: &Path) -> bool {
    let Some((parent, last)) = path.split_last() else {
        return false;
    };
    let holder = parent.iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get_mut(key.as_ref()),
        Step::Index(index) => value.get_mut(*index),
    });
    match (holder, last) {
        (Some(Value::Object(map)), Step::Key(key)) => map.remove(key.as_ref()).is_some(),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}
