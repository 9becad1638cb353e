//! What differs between two documents, as paths and values.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::k8s::path::{Path, Step};
use crate::rules::APPLIED_ANNOTATION;

/// One place where a document became another.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Where.
    pub path: Path,
    /// What stood there before; null where nothing did.
    pub old: Value,
    /// What stands there now; null where nothing does.
    pub value: Value,
}

/// What became of `before`, under paths as people write them: the topmost place of each thing that is new, changed or
/// gone.
///
/// The elements of a list go together by their names where all have one; where only their order changed, it stands
/// under `list[*].name`. The annotation that records what raygate did is left out: it names the bundle, and so changes
/// with every edit of a policy.
pub fn changes(before: &Value, after: &Value) -> BTreeMap<String, Changed> {
    let (before, after) = (without_record(before), without_record(after));
    between(&Path::ROOT, &before, &after)
}

/// What differs below a path.
pub(super) fn between(path: &Path, before: &Value, after: &Value) -> BTreeMap<String, Changed> {
    let mut out = BTreeMap::new();
    walk(path, Some(before), Some(after), &mut out);
    out
}

/// The change at a path or above it, and what it set at the path itself.
pub(super) fn set_at<'a>(changes: &'a BTreeMap<String, Changed>, path: &str) -> Option<(&'a Changed, &'a Value)> {
    if let Some(changed) = changes.get(path) {
        return Some((changed, &changed.value));
    }
    let path = super::path::parse(path)?;
    changes.values().find_map(|changed| {
        let rest = path.steps().strip_prefix(changed.path.steps())?;
        let value = rest.iter().try_fold(&changed.value, |value, step| match step {
            Step::Key(key) => value.get(key.as_ref()),
            Step::Index(index) => value.get(*index),
        })?;
        Some((changed, value))
    })
}

/// What was set of what a wish at a path names; `None` where nothing was.
pub(super) fn set_of(changes: &BTreeMap<String, Changed>, path: &str, wish: &Value) -> Option<Value> {
    if let Some((_, value)) = set_at(changes, path) {
        return Some(named(wish, value));
    }
    let below: serde_json::Map<String, Value> = below(path, wish)
        .into_iter()
        .filter_map(|(path, key, wish)| Some((key, set_of(changes, &path, wish)?)))
        .collect();
    (!below.is_empty()).then(|| below.into())
}

/// The wishes in a mapping that is wanted at a path: the path, the key and the wish of each.
pub(super) fn below<'w>(path: &str, wish: &'w Value) -> Vec<(String, String, &'w Value)> {
    let (Some(path), Some(map)) = (super::path::parse(path), wish.as_object()) else {
        return Vec::new();
    };
    let child = |(key, wish): (&String, &'w Value)| (path.name(key).to_string(), key.clone(), wish);
    map.iter().map(child).collect()
}

/// The part of a value that a wish names: of its mappings the keys that are in the wish.
pub(super) fn named(wish: &Value, value: &Value) -> Value {
    match (wish, value) {
        (Value::Object(wish), Value::Object(value)) => wish
            .iter()
            .filter_map(|(key, wish)| match value.get(key) {
                Some(value) => Some((key.clone(), named(wish, value))),
                None => wish.is_null().then(|| (key.clone(), Value::Null)),
            })
            .collect(),
        _ => value.clone(),
    }
}

fn walk(path: &Path, before: Option<&Value>, after: Option<&Value>, out: &mut BTreeMap<String, Changed>) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                walk(&path.name(key), old.get(key), new.get(key), out);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            if !elements(path, old, new, out) {
                put(path, before, after, out);
            }
        }
        (Some(old), Some(new)) if old == new => {}
        _ => put(path, before, after, out),
    }
}

fn put(path: &Path, old: Option<&Value>, value: Option<&Value>, out: &mut BTreeMap<String, Changed>) {
    let changed = Changed {
        path: path.clone(),
        old: old.cloned().unwrap_or_default(),
        value: value.cloned().unwrap_or_default(),
    };
    out.insert(path.to_string(), changed);
}

/// Compares lists element by element; `false` where some are gone, and the list is best shown as a whole.
fn elements(path: &Path, old: &[Value], new: &[Value], out: &mut BTreeMap<String, Changed>) -> bool {
    if new.len() < old.len() {
        return false;
    }
    let (Some(old_names), Some(new_names)) = (names(old), names(new)) else {
        for (index, value) in new.iter().enumerate() {
            walk(&path.index(index), old.get(index), Some(value), out);
        }
        return true;
    };
    if !old_names.iter().all(|name| new_names.contains(name)) {
        return false;
    }
    let kept: Vec<&&str> = new_names.iter().filter(|name| old_names.contains(name)).collect();
    if !kept.into_iter().eq(old_names.iter()) {
        let order = Changed {
            path: path.clone(),
            old: json!(old_names),
            value: json!(new_names),
        };
        out.insert(format!("{path}[*].name"), order);
    }
    for (index, (value, name)) in new.iter().zip(&new_names).enumerate() {
        let before = old_names
            .iter()
            .position(|old| old == name)
            .and_then(|position| old.get(position));
        walk(&path.index(index), before, Some(value), out);
    }
    true
}

/// The names of the elements, where each has one of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items
        .iter()
        .map(|item| item.get("name").and_then(Value::as_str))
        .collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

fn without_record(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        let is_empty = annotations.is_some_and(|annotations| {
            annotations.remove(APPLIED_ANNOTATION);
            annotations.is_empty()
        });
        if is_empty {
            metadata.remove("annotations");
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: Value, after: Value) -> Value {
        changes(&before, &after)
            .into_iter()
            .map(|(path, changed)| (path, changed.value))
            .collect()
    }

    #[test]
    fn the_topmost_place_of_each_change() {
        assert_eq!(
            shown(
                json!({"a": 1, "b": {"c": 2}, "gone": 3}),
                json!({"a": 1, "b": {"c": 4, "d": {"e": 5}}})
            ),
            json!({"b.c": 4, "b.d": {"e": 5}, "gone": null})
        );
    }

    #[test]
    fn named_elements_go_together() {
        let before = json!({"l": [{"name": "sidecar"}, {"name": "ray", "image": "a"}]});
        let after = json!({"l": [{"name": "ray", "image": "b"}, {"name": "sidecar"}, {"name": "new"}]});
        assert_eq!(
            shown(before.clone(), after),
            json!({"l[*].name": ["ray", "sidecar", "new"], "l[0].image": "b", "l[2]": {"name": "new"}})
        );
        assert_eq!(
            shown(before, json!({"l": [{"name": "ray"}]})),
            json!({"l": [{"name": "ray"}]})
        );
    }

    #[test]
    fn the_record_is_left_out() {
        let after = json!({"metadata": {"annotations": {APPLIED_ANNOTATION: "x"}}});
        assert_eq!(shown(json!({"metadata": {}}), after), json!({}));
    }
}
