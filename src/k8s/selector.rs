//! Label selectors, such as those of namespaces (Kubernetes 1.37, `apimachinery/pkg/apis/meta/v1/helpers.go`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::Json;

use super::json::{child, given, items, text};

/// Labels by their keys.
pub type Labels = BTreeMap<String, String>;

/// A selector: `matchLabels` and `matchExpressions`. An empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Labels,
    expressions: Vec<Expression>,
}

/// An entry of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl Selector {
    /// Reads a selector; `None` if Kubernetes rejects it.
    pub fn read(value: Json<'_>) -> Option<Selector> {
        let labels = match given(value, "matchLabels") {
            Some(_) => labels(value, "matchLabels")?,
            None => Labels::new(),
        };
        let expressions = items(value, "matchExpressions").iter();
        Some(Selector {
            labels,
            expressions: expressions.map(Expression::read).collect::<Option<_>>()?,
        })
    }

    /// Whether it selects what has these labels.
    pub fn selects(&self, labels: &Labels) -> bool {
        let mut own = self.labels.iter();
        own.all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|expression| expression.is_met(labels))
    }

    /// The selector as a field of an object.
    pub fn written(&self) -> Value {
        let mut selector = Map::new();
        if !self.labels.is_empty() {
            selector.insert("matchLabels".to_owned(), json!(self.labels));
        }
        if !self.expressions.is_empty() {
            let expressions: Vec<Value> = self.expressions.iter().map(Expression::written).collect();
            selector.insert("matchExpressions".to_owned(), expressions.into());
        }
        selector.into()
    }
}

impl Expression {
    fn read(value: Json<'_>) -> Option<Expression> {
        let values = items(value, "values").iter();
        let expression = Expression {
            key: text(value, "key")?.to_owned(),
            operator: text(value, "operator")?.to_owned(),
            values: values
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        let is_sound = match expression.operator.as_str() {
            "In" | "NotIn" => !expression.values.is_empty(),
            "Exists" | "DoesNotExist" => expression.values.is_empty(),
            _ => false,
        };
        is_sound.then_some(expression)
    }

    fn is_met(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let is_listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator.as_str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => value.is_some(),
            _ => value.is_none(),
        }
    }

    fn written(&self) -> Value {
        match self.values.is_empty() {
            true => json!({"key": self.key, "operator": self.operator}),
            false => json!({"key": self.key, "operator": self.operator, "values": self.values}),
        }
    }
}

/// Reads a map of labels; `None` if a value is no text.
pub fn labels(value: Json<'_>, key: &str) -> Option<Labels> {
    let labels = child(value, key).as_object().into_iter().flatten();
    labels
        .map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;

    fn selects(selector: Value) -> Option<bool> {
        let labels = document!({"labels": {"team": "vision", "size": "10"}});
        let labels = super::labels(labels.root(), "labels").unwrap();
        let read = |value: Value| Selector::read(document!(value).root());
        let selector = read(selector)?;
        assert_eq!(read(selector.written()), Some(selector.clone()));
        Some(selector.selects(&labels))
    }

    fn expression(key: &str, operator: &str, values: Value) -> Option<bool> {
        selects(json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
    }

    #[test]
    fn selects_as_kubernetes_does() {
        assert_eq!(selects(json!({})), Some(true));
        assert_eq!(selects(json!({"matchLabels": {"team": "vision"}})), Some(true));
        assert_eq!(selects(json!({"matchLabels": {"team": "speech"}})), Some(false));
        assert_eq!(expression("team", "In", json!(["a", "vision"])), Some(true));
        assert_eq!(expression("team", "NotIn", json!(["vision"])), Some(false));
        assert_eq!(expression("zone", "NotIn", json!(["a"])), Some(true));
        assert_eq!(expression("zone", "Exists", json!([])), Some(false));
        assert_eq!(expression("zone", "DoesNotExist", json!([])), Some(true));
    }

    #[test]
    fn what_kubernetes_rejects_is_not_read() {
        for (operator, values) in [
            ("In", json!([])),
            ("Exists", json!(["a"])),
            ("Gt", json!(["1"])),
            ("In", json!([1])),
        ] {
            assert_eq!(expression("a", operator, values.clone()), None, "{operator} {values}");
        }
        assert_eq!(selects(json!({"matchLabels": {"a": 1}})), None);
    }
}
