//! What differs between a webhook configuration as it is printed and as it is in the cluster.

use serde_json::{Map, Value};

use crate::telemetry::clip;

/// The longest of a value that is quoted, in bytes.
const QUOTED_BYTES: usize = 300;

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
            differences.push(Difference {
                part: Part::of_field(field),
                webhook: name.to_owned(),
                field: Some(field.clone()),
                text: format!(
                    "{field} of webhook {name} is {}, not {}",
                    quoted(&found),
                    quoted(&expected)
                ),
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

fn quoted(value: &Option<Value>) -> String {
    value.as_ref().map_or_else(
        || "absent".to_owned(),
        |value| {
            let text = value.to_string();
            let clipped = clip(&text, QUOTED_BYTES);
            let rest = if clipped.len() < text.len() { "..." } else { "" };
            format!("{clipped}{rest}")
        },
    )
}

#[cfg(test)]
mod tests;
