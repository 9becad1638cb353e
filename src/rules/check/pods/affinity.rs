//! Finds terms of an affinity that Kubernetes cannot read.

use crate::diag::{quoted, suggest};
use crate::json::Json;
use crate::k8s::json::{below, child, given, items, text};
use crate::k8s::names::{label_key, label_value};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};
use super::selector;

/// The check.
pub const CHECK: Check = Check {
    code: "RG914",
    title: "Affinity terms must be valid",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("affinity.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[5117, 5313],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// The operators on a label of a node.
const OPERATORS: [&str; 6] = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let at = faults.pod.spec_path().then_key("affinity");
        let affinity = child(faults.pod.spec, "affinity");
        nodes(faults, child(affinity, "nodeAffinity"), &at.key("nodeAffinity"));
        for key in ["podAffinity", "podAntiAffinity"] {
            pods(faults, child(affinity, key), &at.key(key));
        }
    });
}

fn nodes(faults: &mut Faults<'_, '_, '_>, affinity: Json<'_>, at: &Path) {
    if let Some(required) = given(affinity, REQUIRED).filter(|required| required.is_object()) {
        let at = at.keys([REQUIRED, "nodeSelectorTerms"]);
        let terms = items(required, "nodeSelectorTerms");
        if terms.is_empty() {
            faults.report(
                at.clone(),
                "the required node affinity has no nodeSelectorTerms",
                "add a term, or remove it",
            );
        }
        for (index, term) in terms.iter().enumerate() {
            expressions(faults, term, &at.index(index), true);
        }
    }
    for (index, term) in items(affinity, PREFERRED).iter().enumerate() {
        let at = at.key(PREFERRED).index(index);
        weight(faults, term, &at);
        expressions(faults, child(term, "preference"), &at.key("preference"), false);
    }
}

fn weight(faults: &mut Faults<'_, '_, '_>, term: Json<'_>, at: &Path) {
    let weight = child(term, "weight").as_i64().unwrap_or_default();
    if term.is_object() && !(1..=100).contains(&weight) {
        let what = format!("a preferred affinity has the weight {weight}");
        faults.report(at.key("weight"), &what, "write a weight from 1 to 100");
    }
}

fn expressions(faults: &mut Faults<'_, '_, '_>, term: Json<'_>, at: &Path, is_required: bool) {
    for (index, expression) in items(term, "matchExpressions").iter().enumerate() {
        if !expression.is_object() {
            continue;
        }
        let at = at.key("matchExpressions").index(index);
        let key = text(expression, "key").unwrap_or_default();
        let shown = format!("the node affinity for {}", quoted(key));
        if let Err(error) = label_key(key) {
            faults.report(
                at.key("key"),
                &format!("{shown}: its key is invalid, {error}"),
                "write the key of a label",
            );
        }
        let operator = text(expression, "operator").unwrap_or_default();
        let values = items(expression, "values");
        let wrong = match operator {
            "In" | "NotIn" if values.is_empty() => format!("operator {operator} needs values"),
            "Exists" | "DoesNotExist" if !values.is_empty() => format!("operator {operator} takes no values"),
            "Gt" | "Lt" if values.len() != 1 => format!("operator {operator} needs one value"),
            operator if !OPERATORS.contains(&operator) => {
                let fix = suggest(operator, OPERATORS);
                let fix = fix.map_or_else(
                    || format!("write one of {}", OPERATORS.join(", ")),
                    |near| format!("did you mean {near}?"),
                );
                let what = format!("{shown}: its operator {} is unknown", quoted(operator));
                faults.report(at.key("operator"), &what, &fix);
                continue;
            }
            _ => String::new(),
        };
        if !wrong.is_empty() {
            faults.report(
                at.key("values"),
                &format!("{shown}: {wrong}"),
                "correct the values or the operator",
            );
        }
        let values = values.iter().enumerate().filter(|_| is_required);
        for (index, value) in values.filter_map(|(index, value)| Some((index, value.as_str()?))) {
            if let Err(error) = label_value(value) {
                let what = format!("{shown}: its value {} is invalid, {error}", quoted(value));
                let path = at.key("values").index(index);
                faults.warn(
                    None,
                    path,
                    (&what, "Kubernetes 1.37"),
                    "write the value of the node's label",
                );
            }
        }
    }
}

fn pods(faults: &mut Faults<'_, '_, '_>, affinity: Json<'_>, at: &Path) {
    for (index, term) in items(affinity, REQUIRED).iter().enumerate() {
        pod_term(faults, term, &at.key(REQUIRED).index(index));
    }
    for (index, term) in items(affinity, PREFERRED).iter().enumerate() {
        let at = at.key(PREFERRED).index(index);
        weight(faults, term, &at);
        if term.is_object() {
            pod_term(faults, below(term, &["podAffinityTerm"]), &at.key("podAffinityTerm"));
        }
    }
}

fn pod_term(faults: &mut Faults<'_, '_, '_>, term: Json<'_>, at: &Path) {
    let key = text(term, "topologyKey").unwrap_or_default();
    if let Err(error) = label_key(key) {
        let what = match key {
            "" => "a pod affinity has no topologyKey".to_owned(),
            key => format!("a pod affinity has the invalid topologyKey {}: {error}", quoted(key)),
        };
        faults.report(
            at.key("topologyKey"),
            &what,
            "write the key of a node's label, such as kubernetes.io/hostname",
        );
    }
    selector::look(
        faults,
        "a pod affinity",
        child(term, "labelSelector"),
        &at.key("labelSelector"),
    );
}
