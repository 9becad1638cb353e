//! What a webhook configuration makes the API server ask raygate about.
//!
//! A webhook that fails closed and matches more than it judges can stop a cluster: nodes, leases and pods would wait for
//! it. raygate judges the creation and change of objects of one API group, so that is all it may be asked about.

use std::fmt;

use serde_json::Value;

use super::kinds::KindList;
use super::names::CONFIGURATION;

/// The API group of the objects that may come to raygate.
const GROUP: &str = "ray.io";

/// What may be done to them. Deletions never need raygate.
const OPERATIONS: [&str; 2] = ["CREATE", "UPDATE"];

/// One thing that a webhook matches and must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The name of the webhook.
    pub webhook: String,
    /// The field within the configuration.
    pub field: String,
    /// What it holds.
    pub seen: String,
    /// What it may hold.
    pub allowed: &'static str,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            webhook,
            field,
            seen,
            allowed,
        } = self;
        write!(f, "webhook `{webhook}`: {field} is `{seen}`; write {allowed}")
    }
}

/// Whether an object is a webhook configuration of either kind.
pub fn is_webhook_configuration(object: &Value) -> bool {
    matches!(
        object["kind"].as_str(),
        Some("MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
    )
}

/// Whether an object is a ValidatingAdmissionPolicy or its binding: what restricts raygate's own account.
pub fn is_admission_policy(object: &Value) -> bool {
    matches!(
        object["kind"].as_str(),
        Some("ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding")
    )
}

/// Whether an object is a webhook configuration of raygate, by its name or, where that was changed, its label.
pub fn is_raygates(object: &Value) -> bool {
    let says = |pointer: &str, text: &str| object.pointer(pointer).is_some_and(|value| value == text);
    is_webhook_configuration(object)
        && (says("/metadata/name", CONFIGURATION) || says("/metadata/labels/app.kubernetes.io~1name", "raygate"))
}

/// All that a webhook configuration, written or live, matches beyond the creation and change of objects of ray.io, in
/// the order of its fields.
pub fn excess(configuration: &Value) -> Vec<Excess> {
    let mut found = Vec::new();
    for (at, webhook) in items(&configuration["webhooks"]) {
        for (rule_at, rule) in items(&webhook["rules"]) {
            for (key, fits, allowed) in FIELDS {
                for (value_at, value) in items(&rule[key]) {
                    let seen = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    if !fits(&seen) {
                        found.push(Excess {
                            webhook: webhook["name"].as_str().unwrap_or_default().to_owned(),
                            field: format!("webhooks[{at}].rules[{rule_at}].{key}[{value_at}]"),
                            seen,
                            allowed,
                        });
                    }
                }
            }
        }
    }
    found
}

/// The kinds of objects that a webhook configuration, written or live, makes the API server ask about.
pub fn registered_kinds(configuration: &Value) -> KindList {
    let rules = items(&configuration["webhooks"]).flat_map(|(_, webhook)| items(&webhook["rules"]));
    let resources = rules.flat_map(|(_, rule)| items(&rule["resources"]));
    KindList::of_resources(resources.filter_map(|(_, resource)| resource.as_str()))
}

/// The lists of a rule, what fits into each, and how that is said.
type Field = (&'static str, fn(&str) -> bool, &'static str);

const FIELDS: [Field; 3] = [
    (
        "operations",
        |value| OPERATIONS.contains(&value),
        "CREATE or UPDATE: deletions never need raygate",
    ),
    (
        "apiGroups",
        |value| value == GROUP,
        "ray.io: raygate judges nothing else, and would hold up the rest",
    ),
    (
        "resources",
        |value| !value.contains(['*', '/']),
        "a resource by its name, such as rayjobs: neither `*` nor a subresource",
    ),
];

fn items(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_rule(rule: &Value) -> Vec<String> {
        let configuration = json!({"webhooks": [{"name": "rayjob.raygate.dev", "rules": [rule]}]});
        excess(&configuration)
            .iter()
            .map(|excess| format!("{} {}", excess.field, excess.seen))
            .collect()
    }

    fn rule(group: &str, resource: &str, operation: &str) -> Value {
        json!({"apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": [operation]})
    }

    #[test]
    fn the_group_of_ray_is_no_excess() {
        for resource in ["rayjobs", "rayclusters", "rayservices"] {
            assert_eq!(of_rule(&rule("ray.io", resource, "CREATE")), [""; 0]);
        }
        assert_eq!(excess(&json!({})), []);
        assert_eq!(excess(&json!({"webhooks": [{"name": "a"}]})), []);
    }

    #[test]
    fn everything_wider_is_named_with_its_place() {
        for (wide, told) in [
            (rule("*", "rayjobs", "CREATE"), "webhooks[0].rules[0].apiGroups[0] *"),
            (rule("", "pods", "CREATE"), "webhooks[0].rules[0].apiGroups[0] "),
            (
                rule("batch", "jobs", "CREATE"),
                "webhooks[0].rules[0].apiGroups[0] batch",
            ),
            (rule("ray.io", "*", "CREATE"), "webhooks[0].rules[0].resources[0] *"),
            (rule("ray.io", "*/*", "CREATE"), "webhooks[0].rules[0].resources[0] */*"),
            (
                rule("ray.io", "rayjobs/status", "UPDATE"),
                "webhooks[0].rules[0].resources[0] rayjobs/status",
            ),
            (
                rule("ray.io", "rayjobs", "DELETE"),
                "webhooks[0].rules[0].operations[0] DELETE",
            ),
            (rule("ray.io", "rayjobs", "*"), "webhooks[0].rules[0].operations[0] *"),
        ] {
            assert_eq!(of_rule(&wide), [told]);
        }
        let two = json!({"apiGroups": ["ray.io", "apps"], "resources": ["rayjobs", "*"], "operations": ["CREATE"]});
        assert_eq!(of_rule(&two).len(), 2);
        let configuration = json!({"webhooks": [{"name": "a"}, {"name": "b", "rules": [two]}]});
        let first = excess(&configuration).first().unwrap().to_string();
        assert!(
            first.starts_with("webhook `b`: webhooks[1].rules[0].apiGroups[1] is `apps`; write ray.io"),
            "{first}"
        );
    }

    #[test]
    fn a_renamed_configuration_is_still_raygates() {
        let named = |name: &str, label: &str| {
            let labels = json!({"app.kubernetes.io/name": label});
            is_raygates(&json!({"kind": "MutatingWebhookConfiguration", "metadata": {"name": name, "labels": labels}}))
        };
        assert!(named(CONFIGURATION, "other") && named("team-a", "raygate"));
        assert!(!named("kueue-mutating-webhook-configuration", "kueue"));
        assert!(!is_raygates(
            &json!({"kind": "Service", "metadata": {"name": CONFIGURATION}})
        ));
    }
}
