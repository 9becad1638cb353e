//! Tolerations and the taints they bear (Kubernetes 1.37, `core/v1/toleration.go`).

use serde_json::Value;

fn field<'v>(toleration: &'v Value, key: &str) -> &'v str {
    toleration.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether whatever `wanted` tolerates is tolerated by `given` too, so that adding `wanted` would change nothing.
pub fn implies(given: &Value, wanted: &Value) -> bool {
    let lasts = |toleration: &Value| toleration.get("tolerationSeconds").and_then(Value::as_i64);
    let any_key = field(given, "key").is_empty();
    let exists = field(given, "operator") == "Exists";
    let key_fits = if any_key {
        exists
    } else {
        field(given, "key") == field(wanted, "key")
    };
    let value_fits =
        exists || (field(wanted, "operator") != "Exists" && field(given, "value") == field(wanted, "value"));
    let effect_fits = field(given, "effect").is_empty() || field(given, "effect") == field(wanted, "effect");
    let time_fits = match (lasts(given), lasts(wanted)) {
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
