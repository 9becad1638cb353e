//! The nodes that a pod selects: its node selector and its required node affinity (Kubernetes 1.37,
//! `component-helpers/scheduling/corev1/nodeaffinity`).

use std::collections::BTreeMap;

use crate::json::{Array, Json};

use super::json::{items, text};

/// Labels that say nothing of a node's hardware or of the pool that it belongs to.
const NEUTRAL: &[&str] = &[
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
];

/// Labels by which clouds and Karpenter tell spot nodes from others.
const CAPACITY: &[&str] = &[
    "cloud.google.com/gke-preemptible",
    "cloud.google.com/gke-provisioning",
    "cloud.google.com/gke-spot",
    "cloud.google.com/reservation-name",
    "eks.amazonaws.com/capacityType",
    "karpenter.sh/capacity-type",
    "kubernetes.azure.com/scalesetpriority",
    "node.kubernetes.io/lifecycle",
];

/// Labels that name one pool of nodes, or one node.
const POOL: &[&str] = &[
    "agentpool",
    "alpha.eksctl.io/nodegroup-name",
    "cloud.google.com/compute-class",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "kubernetes.azure.com/agentpool",
    "kubernetes.io/hostname",
];

/// The requirements of the required node affinity of a pod's spec, of all its terms.
pub fn requirements<'a>(spec: Json<'a>) -> impl Iterator<Item = Json<'a>> {
    terms(spec).iter().flat_map(|term| items(term, "matchExpressions"))
}

fn terms(spec: Json<'_>) -> Array<'_> {
    let required = spec.get("affinity").and_then(|affinity| {
        affinity
            .get("nodeAffinity")?
            .get("requiredDuringSchedulingIgnoredDuringExecution")
    });
    required.map_or(Array::EMPTY, |required| items(required, "nodeSelectorTerms"))
}

/// The labels that a pod wants its nodes to have: those of its node selector, and those that its required node affinity
/// asks for.
fn wanted<'a>(spec: Json<'a>) -> impl Iterator<Item = &'a str> {
    let selector = spec.get("nodeSelector").and_then(Json::as_object).into_iter().flatten();
    let asks = |requirement: &Json<'_>| !matches!(text(*requirement, "operator"), Some("NotIn" | "DoesNotExist"));
    let affinity = requirements(spec).filter(asks);
    selector
        .map(|(key, _)| key)
        .chain(affinity.filter_map(|requirement| text(requirement, "key")))
}

/// Whether a pod's author has chosen its nodes by their hardware, their pool or a label of the platform. The zone, the
/// architecture and spot nodes are no such choice, and neither are the entries of the node selector that others wrote.
pub fn are_chosen(spec: Json<'_>, by_others: &BTreeMap<&str, &str>) -> bool {
    let by_field = || {
        let mut terms = terms(spec).iter();
        terms.any(|term| !items(term, "matchFields").is_empty())
    };
    let selector = spec.get("nodeSelector");
    let is_others = |key: &str| {
        let given = selector.and_then(|selector| text(selector, key));
        given.is_some() && given == by_others.get(key).copied()
    };
    let chooses = |key: &str| !NEUTRAL.contains(&key) && !CAPACITY.contains(&key) && !is_others(key);
    wanted(spec).any(chooses) || by_field()
}

/// Whether a node label cannot or may not agree with the nodes that a pod's author wants: the required node affinity
/// excludes it, or it chooses a pool or spot nodes where the author has named a pool or the kind of capacity by another
/// label.
pub fn disagrees(spec: Json<'_>, key: &str, value: &str) -> bool {
    let chosen_by = |labels: &[&str]| wanted(spec).any(|given| given != key && labels.contains(&given));
    let by_label = match (CAPACITY.contains(&key), POOL.contains(&key)) {
        (true, _) => chosen_by(CAPACITY) || chosen_by(POOL),
        (_, true) => chosen_by(POOL),
        _ => false,
    };
    by_label || !may_run_on(spec, &BTreeMap::from([(key, value)]))
}

/// Whether a pod may run on a node with these labels, whatever other labels the node has: neither its node selector nor its
/// required node affinity excludes them.
pub fn may_run_on(spec: Json<'_>, labels: &BTreeMap<&str, &str>) -> bool {
    let selector = spec.get("nodeSelector");
    let is_selected = |(key, value): (&&str, &&str)| {
        let wanted = selector.and_then(|selector| text(selector, key));
        wanted.is_none_or(|wanted| wanted == *value)
    };
    let terms = terms(spec);
    // One of the terms must hold, and all requirements of that term.
    let may_hold = |term: Json<'_>| items(term, "matchExpressions").iter().all(|one| may_meet(one, labels));
    labels.iter().all(is_selected) && (terms.is_empty() || terms.iter().any(may_hold))
}

/// Whether a node with these labels may meet a requirement of a node affinity.
fn may_meet(requirement: Json<'_>, labels: &BTreeMap<&str, &str>) -> bool {
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
        let spec = document!(spec);
        may_run_on(spec.root(), &BTreeMap::from([("gpu", "a100"), ("pool", "x")]))
    }

    fn affinity(terms: Value) -> Value {
        json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": terms,
        }}}})
    }

    fn term(key: &str, operator: &str, values: Value) -> Value {
        affinity(json!([{"matchExpressions": [{"key": key, "operator": operator, "values": values}]}]))
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

    #[test]
    fn hardware_pools_and_own_labels_choose_nodes() {
        for (spec, chosen) in [
            (json!({}), false),
            (
                json!({"nodeSelector": {"kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": "b"}}),
                false,
            ),
            (json!({"nodeSelector": {"karpenter.sh/capacity-type": "spot"}}), false),
            (
                json!({"nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"}}),
                true,
            ),
            (json!({"nodeSelector": {"team": "vision"}}), true),
            (term("cloud.google.com/gke-nodepool", "In", json!(["a", "b"])), true),
            (term("kubernetes.io/hostname", "NotIn", json!(["broken"])), false),
            (
                affinity(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}])),
                true,
            ),
        ] {
            assert_eq!(
                are_chosen(document!(spec.clone()).root(), &BTreeMap::new()),
                chosen,
                "{spec}"
            );
        }
        let spec = document!({"nodeSelector": {"team": "vision"}});
        assert!(!are_chosen(spec.root(), &BTreeMap::from([("team", "vision")])));
        assert!(are_chosen(spec.root(), &BTreeMap::from([("team", "speech")])));
    }

    #[test]
    fn a_label_that_the_author_excludes_disagrees() {
        let spot = "cloud.google.com/gke-spot";
        for (spec, disagreed) in [
            (json!({}), false),
            (
                json!({"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}),
                false,
            ),
            (
                json!({"nodeSelector": {"cloud.google.com/gke-nodepool": "on-demand"}}),
                true,
            ),
            (
                json!({"nodeSelector": {"karpenter.sh/capacity-type": "on-demand"}}),
                true,
            ),
            (term(spot, "DoesNotExist", json!([])), true),
            (term(spot, "NotIn", json!(["true"])), true),
            (term(spot, "In", json!(["true"])), false),
        ] {
            assert_eq!(
                disagrees(document!(spec.clone()).root(), spot, "true"),
                disagreed,
                "{spec}"
            );
        }
        let spec = document!(json!({"nodeSelector": {"agentpool": "a"}}));
        assert!(disagrees(spec.root(), "karpenter.sh/nodepool", "b"));
        assert!(!disagrees(spec.root(), "team", "b"));
    }
}
