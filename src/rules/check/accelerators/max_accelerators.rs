//! Finds a RayJob whose pods together may take more accelerators of one kind of the Platform than `limits.accelerators`
//! allows, each group at the autoscaler's most.

use std::collections::BTreeMap;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{below, items, text};
use crate::policy::settings::{Accelerator, Action};
use crate::ray::device::{CLAIM_TEMPLATE, device_class};
use crate::ray::effective;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, Pod, Workload};
use crate::rules::check::resources::over_budget;
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG322",
    title: "A job must stay within the limit of each kind of accelerator",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_accelerators.md"),
    evidence: &[Evidence::Budget("accelerators")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (name, most) in &cx.policy.limits.accelerators {
        let Some(kind) = cx.platform.accelerators.get(name) else {
            continue;
        };
        let pods = job.all_pods();
        let count = pods.fold(0, |sum: i64, pod| {
            sum.saturating_add(each(pod, kind).saturating_mul(pods_at_most(job, pod)))
        });
        if count > *most {
            let sum = format!("{count} accelerators {}", quoted(name));
            let finding = over_budget(job, &sum, &most.to_string(), count, |pod| each(pod, kind));
            findings.extend(finding.map(|finding| finding.entry(name)));
        }
    }
}

/// The accelerators of a kind that one pod may take.
fn each(pod: &Pod<'_>, kind: &Accelerator) -> i64 {
    let claims = items(pod.spec, "resourceClaims").iter();
    let claimed = claims.filter_map(|claim| kind.claim_templates.get(text(claim, CLAIM_TEMPLATE)?).copied());
    let claimed = claimed.fold(0, i64::saturating_add);
    if !may_run_on(pod, &kind.node_selector) {
        return claimed;
    }
    let of_unit = |key: &str| match device_class(key).and_then(|class| kind.device_classes.get(class)) {
        Some(count) => *count,
        None => i64::from(kind.resource.as_deref() == Some(key)),
    };
    let requests = effective::requests(pod).into_iter();
    let requested = requests.map(|(key, quantity)| of_unit(key).saturating_mul(quantity.value()));
    requested.fold(claimed, i64::saturating_add)
}

/// Whether a pod may run on a node with these labels, whatever other labels the node has: neither its node selector nor its
/// required node affinity excludes them (Kubernetes 1.37, `component-helpers/scheduling/corev1/nodeaffinity`).
fn may_run_on(pod: &Pod<'_>, labels: &BTreeMap<String, String>) -> bool {
    let selector = pod.spec.get("nodeSelector");
    let is_selected = |(key, value): (&String, &String)| {
        let wanted = selector.and_then(|selector| text(selector, key));
        wanted.is_none_or(|wanted| wanted == value)
    };
    let affinity = [
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
    ];
    let terms = items(below(pod.spec, &affinity), "nodeSelectorTerms");
    // One of the terms must hold, and all requirements of that term.
    let may_hold = |term: Json<'_>| items(term, "matchExpressions").iter().all(|one| may_meet(one, labels));
    labels.iter().all(is_selected) && (terms.is_empty() || terms.iter().any(may_hold))
}

/// Whether a node with these labels may meet a requirement of a node affinity.
fn may_meet(requirement: Json<'_>, labels: &BTreeMap<String, String>) -> bool {
    let Some(value) = text(requirement, "key").and_then(|key| labels.get(key)) else {
        return true;
    };
    let has_value = || {
        items(requirement, "values")
            .iter()
            .any(|one| one.as_str() == Some(value))
    };
    match text(requirement, "operator") {
        Some("In") => has_value(),
        Some("NotIn") => !has_value(),
        Some("DoesNotExist") => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use serde_json::{Value, json};

    fn is_possible(spec: Value) -> bool {
        let object = document!({"spec": {"submitterPodTemplate": {"spec": spec}}});
        let labels = [
            ("gpu".to_owned(), "a100".to_owned()),
            ("pool".to_owned(), "x".to_owned()),
        ];
        let job = Workload::of(object.root());
        job.submitter().is_some_and(|pod| may_run_on(pod, &labels.into()))
    }

    fn affinity(terms: Value) -> Value {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": terms,
        }}}})
    }

    #[test]
    fn only_what_excludes_the_labels_keeps_a_pod_away() {
        let one = |operator: &str, values: Value| json!({"key": "gpu", "operator": operator, "values": values});
        let term = |requirements: Value| affinity(json!([{"matchExpressions": requirements}]));
        for (spec, possible) in [
            (json!({}), true),
            (json!({"nodeSelector": {"gpu": "a100", "zone": "b"}}), true),
            (json!({"nodeSelector": {"gpu": "l4"}}), false),
            (json!({"nodeSelector": {"gpu": 7}}), true),
            (term(json!([one("In", json!(["l4", "a100"]))])), true),
            (term(json!([one("In", json!(["l4"]))])), false),
            (term(json!([one("NotIn", json!(["l4"]))])), true),
            (term(json!([one("NotIn", json!(["a100"]))])), false),
            (term(json!([one("DoesNotExist", json!([]))])), false),
            (term(json!([one("Exists", json!([]))])), true),
            (term(json!([one("Exists", json!([])), one("In", json!(["l4"]))])), false),
            (
                affinity(json!([{"matchExpressions": [one("In", json!(["l4"]))]}, {"matchFields": []}])),
                true,
            ),
            (affinity(json!([])), true),
        ] {
            assert_eq!(is_possible(spec.clone()), possible, "{spec}");
        }
    }
}
