//! Tolerations and the taints they bear (Kubernetes 1.37, `core/v1/toleration.go`).

use serde_json::Value;

use crate::json::Json;
use crate::k8s::json::text;

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, often empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Taint {
    /// Reads one; `None` if it has no key or no effect.
    pub fn read(taint: Json<'_>) -> Option<Taint> {
        Some(Taint {
            key: text(taint, "key").filter(|key| !key.is_empty())?.to_owned(),
            value: text(taint, "value").unwrap_or_default().to_owned(),
            effect: text(taint, "effect").filter(|effect| !effect.is_empty())?.to_owned(),
        })
    }

    /// Whether it keeps pods away that do not tolerate it. `PreferNoSchedule` does not.
    pub fn repels(&self) -> bool {
        matches!(self.effect.as_str(), "NoSchedule" | "NoExecute")
    }
}

impl std::fmt::Display for Taint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{}:{}", self.key, self.effect),
            value => write!(f, "{}={value}:{}", self.key, self.effect),
        }
    }
}

/// A toleration of a pod or of a policy. A field that is missing is empty.
#[derive(Clone, Copy, Debug)]
pub struct Toleration<'a> {
    /// The key of the taint; empty for every key.
    pub key: &'a str,
    operator: &'a str,
    value: &'a str,
    effect: &'a str,
    seconds: Option<i64>,
}

impl<'a> From<Json<'a>> for Toleration<'a> {
    fn from(toleration: Json<'a>) -> Toleration<'a> {
        let text = |key| toleration.get(key).and_then(Json::as_str).unwrap_or_default();
        Toleration {
            key: text("key"),
            operator: text("operator"),
            value: text("value"),
            effect: text("effect"),
            seconds: toleration.get("tolerationSeconds").and_then(Json::as_i64),
        }
    }
}

impl<'a> From<&'a Value> for Toleration<'a> {
    fn from(toleration: &'a Value) -> Toleration<'a> {
        let text = |key| toleration.get(key).and_then(Value::as_str).unwrap_or_default();
        Toleration {
            key: text("key"),
            operator: text("operator"),
            value: text("value"),
            effect: text("effect"),
            seconds: toleration.get("tolerationSeconds").and_then(Value::as_i64),
        }
    }
}

impl Toleration<'_> {
    /// Whether it tolerates a taint (`ToleratesTaint`). Operators that compare numbers, which some releases have behind a
    /// feature gate, count as tolerating.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let value_fits = match self.operator {
            "" | "Equal" => self.value == taint.value,
            _ => true,
        };
        (self.effect.is_empty() || self.effect == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && value_fits
    }
}

/// Whether whatever `wanted` tolerates is tolerated by `given` too, so that adding `wanted` would change nothing.
pub fn implies<'a>(given: impl Into<Toleration<'a>>, wanted: impl Into<Toleration<'a>>) -> bool {
    let (given, wanted) = (given.into(), wanted.into());
    let exists = given.operator == "Exists";
    let key_fits = if given.key.is_empty() {
        exists
    } else {
        given.key == wanted.key
    };
    let value_fits = exists || (wanted.operator != "Exists" && given.value == wanted.value);
    let effect_fits = given.effect.is_empty() || given.effect == wanted.effect;
    let time_fits = match (given.seconds, wanted.seconds) {
        (None, _) => true,
        (Some(given), Some(wanted)) => given >= wanted,
        (Some(_), None) => false,
    };
    key_fits && value_fits && effect_fits && time_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tolerations_tolerate_as_in_kubernetes() {
        let taint = Taint {
            key: "nvidia.com/gpu".to_owned(),
            value: "present".to_owned(),
            effect: "NoSchedule".to_owned(),
        };
        assert_eq!(taint.to_string(), "nvidia.com/gpu=present:NoSchedule");
        for (given, tolerates) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "nvidia.com/gpu", "operator": "Exists"}), true),
            (
                json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}),
                true,
            ),
            (
                json!({"key": "nvidia.com/gpu", "operator": "Equal", "value": "true"}),
                false,
            ),
            (
                json!({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}),
                false,
            ),
            (json!({"key": "amd.com/gpu", "operator": "Exists"}), false),
            (json!({"key": "nvidia.com/gpu"}), false),
        ] {
            assert_eq!(Toleration::from(&given).tolerates(&taint), tolerates, "{given}");
        }
    }

    #[test]
    fn a_wider_toleration_implies_a_narrower_one() {
        let wanted = json!({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"});
        for given in [
            json!({"operator": "Exists"}),
            json!({"key": "nvidia.com/gpu", "operator": "Exists"}),
            json!({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}),
        ] {
            assert!(implies(&given, &wanted), "{given}");
        }
        for given in [
            json!({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}),
            json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}),
            json!({"key": "amd.com/gpu", "operator": "Exists"}),
            json!({"key": "nvidia.com/gpu", "operator": "Exists", "tolerationSeconds": 5}),
        ] {
            assert!(!implies(&given, &wanted), "{given}");
        }
    }
}
