//! Requirements on the labels of a node: node selectors and node affinities
//! (Kubernetes 1.37, `component-helpers/scheduling/corev1/nodeaffinity`).

use crate::json::Json;
use crate::k8s::json::{items, text};

/// One requirement on a label of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement<'a> {
    /// The key of the label.
    pub key: &'a str,
    /// How its value is compared.
    pub operator: Operator,
    /// With what.
    pub values: Vec<&'a str>,
}

/// How the value of a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is one of the values.
    In,
    /// It is none of the values, or the label is missing.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
    /// It is a number above the value.
    Gt,
    /// It is a number below the value.
    Lt,
}

impl<'a> Requirement<'a> {
    /// The requirement of an entry of a node selector.
    pub fn equal(key: &'a str, value: &'a str) -> Requirement<'a> {
        Requirement {
            key,
            operator: Operator::In,
            values: vec![value],
        }
    }

    /// Reads an expression of a node affinity or of a Karpenter NodePool; `None` if it is unreadable, or has an operator that
    /// is not known here.
    pub fn read(expression: Json<'a>) -> Option<Requirement<'a>> {
        let operator = match text(expression, "operator")? {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Gt,
            "Lt" => Operator::Lt,
            _ => return None,
        };
        Some(Requirement {
            key: text(expression, "key")?,
            operator,
            values: items(expression, "values")
                .iter()
                .map(Json::as_str)
                .collect::<Option<_>>()?,
        })
    }

    /// Whether a node meets it whose label has this value, or is missing.
    pub fn is_met(&self, value: Option<&str>) -> bool {
        let is_listed = || value.is_some_and(|value| self.values.contains(&value));
        let beyond = |is_beyond: fn(&i64, &i64) -> bool| {
            let bound = self.values.first().and_then(|bound| bound.parse().ok());
            let value = value.and_then(|value| value.parse().ok());
            value.zip(bound).is_some_and(|(value, bound)| is_beyond(&value, &bound))
        };
        match self.operator {
            Operator::In => is_listed(),
            Operator::NotIn => !is_listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => beyond(i64::gt),
            Operator::Lt => beyond(i64::lt),
        }
    }

    /// Whether a node without the label meets it.
    pub fn is_met_by_absence(&self) -> bool {
        matches!(self.operator, Operator::NotIn | Operator::DoesNotExist)
    }
}

impl std::fmt::Display for Requirement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (key, values) = (self.key, self.values.join(", "));
        match (self.operator, self.values.as_slice()) {
            (Operator::In, [value]) => write!(f, "{key}={value}"),
            (Operator::In, _) => write!(f, "{key} in ({values})"),
            (Operator::NotIn, _) => write!(f, "{key} not in ({values})"),
            (Operator::Exists, _) => write!(f, "{key}"),
            (Operator::DoesNotExist, _) => write!(f, "no {key}"),
            (Operator::Gt, _) => write!(f, "{key} > {values}"),
            (Operator::Lt, _) => write!(f, "{key} < {values}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use serde_json::json;

    #[test]
    fn requirements_are_met_as_in_kubernetes() {
        for (operator, values, met) in [
            ("In", json!(["a", "b"]), [true, false, false]),
            ("NotIn", json!(["a"]), [false, true, true]),
            ("Exists", json!([]), [true, true, false]),
            ("DoesNotExist", json!([]), [false, false, true]),
            ("Gt", json!(["6"]), [false, true, false]),
            ("Lt", json!(["7"]), [false, false, false]),
            ("Gt", json!([]), [false, false, false]),
        ] {
            let expression = document!({"key": "k", "operator": operator, "values": values});
            let requirement = Requirement::read(expression.root()).unwrap();
            let found = [Some("a"), Some("7"), None].map(|value| requirement.is_met(value));
            assert_eq!(found, met, "{requirement}");
        }
        let unknown = document!({"key": "k", "operator": "Near", "values": []});
        assert_eq!(Requirement::read(unknown.root()), None);
    }
}
