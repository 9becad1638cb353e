//! What differs between a webhook configuration as it is printed and as it is in the cluster.

use serde_json::{Map, Value};

use crate::telemetry::clip;

/// The longest of a value that is quoted, in bytes.
const QUOTED_BYTES: usize = 300;

/// How much of what two values share is quoted before their difference, in bytes.
const CONTEXT_BYTES: usize = 60;

/// What part of a webhook a difference is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole configuration, or a webhook of it, is not there.
    Missing,
    /// Whom the API server calls.
    Target,
    /// Which requests it calls for.
    Scope,
    /// What it does when nobody answers.
    FailurePolicy,
    /// Everything else: timeouts, side effects, reinvocation.
    Other,
}

impl Part {
    /// Every part, in the order of its harm.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Target,
        Self::Scope,
        Self::FailurePolicy,
        Self::Other,
    ];

    /// The value of the `part` label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Target => "target",
            Self::Scope => "scope",
            Self::FailurePolicy => "failure_policy",
            Self::Other => "other",
        }
    }

    fn of_field(name: &str) -> Self {
        match name {
            "clientConfig" => Self::Target,
            "rules" | "namespaceSelector" | "objectSelector" | "matchConditions" | "matchPolicy" => Self::Scope,
            "failurePolicy" => Self::FailurePolicy,
            _ => Self::Other,
        }
    }
}

/// One difference, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is in.
    pub part: Part,
    /// The webhook that it is in; none where there is no configuration at all.
    pub webhook: String,
    /// The field of the webhook that it is in; none where the webhook as a whole is missing, or too much.
    pub field: Option<String>,
    /// What is found and what is expected.
    pub text: String,
}

/// Compares the webhooks of two configurations of one kind; `caBundle` and metadata are left out, as they are others' to
/// change. `None`: the configuration is not in the cluster.
pub fn differences(expected: &Value, found: Option<&Value>) -> Vec<Difference> {
    let Some(found) = found else {
        return vec![Difference {
            part: Part::Missing,
            webhook: String::new(),
            field: None,
            text: "does not exist".to_owned(),
        }];
    };
    let mut differences = Vec::new();
    for webhook in webhooks(expected) {
        let name = name_of(webhook);
        match webhooks(found).find(|other| name_of(other) == name) {
            Some(other) => compare(name, webhook, other, &mut differences),
            None => differences.push(Difference {
                part: Part::Missing,
                webhook: name.to_owned(),
                field: None,
                text: format!("webhook {name} is not in it"),
            }),
        }
    }
    for webhook in webhooks(found) {
        let name = name_of(webhook);
        if !webhooks(expected).any(|other| name_of(other) == name) {
            differences.push(Difference {
                part: Part::Scope,
                webhook: name.to_owned(),
                field: None,
                text: format!("webhook {name} is not raygate's"),
            });
        }
    }
    differences
}

/// Whether the `spec` of an object says what is expected, whichever empty parts the API server has written out.
pub fn same_spec(expected: &Value, found: &Value) -> bool {
    pruned(expected.get("spec")) == pruned(found.get("spec"))
}

/// A value without the null, empty and absent parts, which are one to the API server.
fn pruned(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::Null => None,
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), pruned(Some(value))?)));
            Some(Value::Object(kept.collect())).filter(|kept| kept.as_object().is_some_and(|map| !map.is_empty()))
        }
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => {
            let kept = list.iter().map(|item| pruned(Some(item)).unwrap_or_default());
            Some(Value::Array(kept.collect()))
        }
        scalar => Some(scalar.clone()),
    }
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    configuration
        .get("webhooks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn name_of(webhook: &Value) -> &str {
    webhook.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn compare(name: &str, expected: &Value, found: &Value, differences: &mut Vec<Difference>) {
    let empty = Map::new();
    let fields = |value: &'_ Value| value.as_object().unwrap_or(&empty).clone();
    let (expected, found) = (fields(expected), fields(found));
    let names = expected
        .keys()
        .chain(found.keys().filter(|key| !expected.contains_key(*key)));
    for field in names {
        let (expected, found) = (cleared(field, expected.get(field)), cleared(field, found.get(field)));
        if expected != found {
            let [found, expected] = quoted([&found, &expected]);
            differences.push(Difference {
                part: Part::of_field(field),
                webhook: name.to_owned(),
                field: Some(field.clone()),
                text: format!("{field} of webhook {name} is {found}, not {expected}"),
            });
        }
    }
}

/// A field as it is compared: nothing, null and an empty map or list are one to the API server, which writes some out.
fn cleared(field: &str, value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    if field == "clientConfig"
        && let Some(client) = value.as_object_mut()
    {
        client.remove("caBundle");
    }
    match &value {
        Value::Null => None,
        Value::Object(map) if map.is_empty() => None,
        Value::Array(list) if list.is_empty() => None,
        _ => Some(value),
    }
}

/// Two values that differ, each cut to what a reader needs: long ones from shortly before their first difference.
fn quoted(values: [&Option<Value>; 2]) -> [String; 2] {
    let texts = values.map(|value| value.as_ref().map_or_else(|| "absent".to_owned(), Value::to_string));
    let [one, other] = &texts;
    let shared = one
        .bytes()
        .zip(other.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    let skipped = if shared > QUOTED_BYTES / 2 {
        clip(one, shared - CONTEXT_BYTES).len()
    } else {
        0
    };
    texts.map(|text| {
        let (start, rest) = text.split_at_checked(skipped).unwrap_or_default();
        let clipped = clip(rest, QUOTED_BYTES);
        let mark = |is_cut: bool| if is_cut { "..." } else { "" };
        format!(
            "{}{clipped}{}",
            mark(!start.is_empty()),
            mark(clipped.len() < rest.len())
        )
    })
}

#[cfg(test)]
mod tests;
