//! The selector of other pods.

use crate::diag::{quoted, suggest};
use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::k8s::names::{label_key, label_value};
use crate::k8s::path::Path;

use super::fault::Faults;

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// Reports what is wrong in a selector (`ValidateLabelSelector`). `whose` is what selects.
pub(super) fn look(faults: &mut Faults<'_, '_, '_>, whose: &str, selector: Json<'_>, at: &Path) {
    for (key, value) in child(selector, "matchLabels").as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if label_key(key).is_err() || label_value(value).is_err() {
            let what = format!(
                "{whose} selects the label {}, which is invalid",
                quoted(&format!("{key}: {value}"))
            );
            faults.report(at.key("matchLabels").name(key), &what, "write the label of a pod");
        }
    }
    for (index, expression) in items(selector, "matchExpressions").iter().enumerate() {
        if !expression.is_object() {
            continue;
        }
        let at = at.key("matchExpressions").index(index);
        let key = text(expression, "key").unwrap_or_default();
        if let Err(error) = label_key(key) {
            let what = format!("{whose} selects by the invalid key {}: {error}", quoted(key));
            faults.report(at.key("key"), &what, "write the key of a label");
        }
        let operator = text(expression, "operator").unwrap_or_default();
        let values = items(expression, "values");
        let wrong = match operator {
            "In" | "NotIn" if values.is_empty() => format!("{whose}: operator {operator} needs values"),
            "Exists" | "DoesNotExist" if !values.is_empty() => format!("{whose}: operator {operator} takes no values"),
            operator if !OPERATORS.contains(&operator) => {
                let fix = suggest(operator, OPERATORS).unwrap_or("In");
                let what = format!("{whose}: its operator {} is unknown", quoted(operator));
                faults.report(at.key("operator"), &what, &format!("did you mean {fix}?"));
                continue;
            }
            _ => continue,
        };
        faults.report(at.key("values"), &wrong, "correct the values or the operator");
    }
}
