//! The most that a ClusterQueue can ever give, with everything that it may borrow and nothing in use.
//!
//! Kueue 0.19, `pkg/cache/scheduler/resource_node.go`, `potentialAvailable`, and `pkg/resources/amount.go`.

use std::collections::BTreeMap;

use crate::k8s::quantity::Quantity;

use super::kueue::{ClusterQueue, Cohort, ResourceGroup, Share};

/// An amount as Kueue counts it: thousandths of CPUs, and whole units of everything else, rounded up.
pub type Units = i64;

/// From here on, an amount is unlimited.
pub const UNLIMITED: Units = Units::MAX / 4;

/// The ceilings of a ClusterQueue, by the names of a flavor and a resource.
pub type Ceilings = BTreeMap<(String, String), Units>;

/// The most sums that are computed. Real clusters need some thousands.
const MOST: usize = 1 << 20;

/// An amount of a resource in Kueue's units.
pub fn units(resource: &str, quantity: &Quantity) -> Units {
    match resource {
        "cpu" => quantity.milli_value(),
        _ => quantity.value(),
    }
}

/// A flavor and a resource.
type Key<'a> = (&'a str, &'a str);

/// A quota in units.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    nominal: Units,
    borrowing: Option<Units>,
    lending: Option<Units>,
}

/// A cohort, or a queue.
#[derive(Debug, Default)]
struct Node<'a> {
    parent: &'a str,
    own: BTreeMap<Key<'a>, Own>,
    /// What it and everything below it have, without what is not lent.
    subtree: BTreeMap<Key<'a>, Units>,
    /// How many cohorts are above it; `None` where it is below itself.
    depth: Option<usize>,
}

impl<'a> Node<'a> {
    fn of(parent: &'a str, groups: &'a [ResourceGroup]) -> Node<'a> {
        let own: BTreeMap<Key<'a>, Own> = quotas(groups).collect();
        Node {
            parent,
            subtree: own.iter().map(|(key, own)| (*key, own.nominal)).collect(),
            own,
            depth: None,
        }
    }

    /// What its parent never sees.
    fn kept(&self, key: Key<'a>) -> Units {
        let limit = self.own.get(&key).and_then(|own| own.lending);
        let all = self.subtree.get(&key).copied().unwrap_or_default();
        limit.map_or(0, |limit| all.saturating_sub(limit).max(0))
    }

    /// The most that it can have, if its parent has so much.
    fn ceiling(&self, key: Key<'a>, above: Option<Units>) -> Units {
        let all = self.subtree.get(&key).copied().unwrap_or_default();
        let Some(above) = above else { return all };
        let most = self.kept(key).saturating_add(above);
        match self.own.get(&key).and_then(|own| own.borrowing) {
            Some(limit) => most.min(all.saturating_add(limit)),
            None => most,
        }
    }
}

fn quotas(groups: &[ResourceGroup]) -> impl Iterator<Item = (Key<'_>, Own)> {
    groups.iter().flat_map(|group| &group.flavors).flat_map(|flavor| {
        let quotas = flavor.quotas.iter();
        quotas.map(|(resource, share)| ((flavor.flavor.as_str(), resource.as_str()), own(resource, share)))
    })
}

fn own(resource: &str, share: &Share) -> Own {
    let units = |quantity: &Quantity| units(resource, quantity);
    Own {
        nominal: units(&share.nominal),
        borrowing: share.borrowing.as_ref().map(units),
        lending: share.lending.as_ref().map(units),
    }
}

/// The ceilings of every queue. A queue whose cohorts are in a circle has none, and none has any where that would take too
/// long.
pub(super) fn ceilings<'a>(
    queues: &'a BTreeMap<String, ClusterQueue>,
    cohorts: &'a BTreeMap<String, Cohort>,
) -> BTreeMap<String, Ceilings> {
    let mut nodes: BTreeMap<&'a str, Node<'a>> = cohorts
        .iter()
        .map(|(name, cohort)| (name.as_str(), Node::of(&cohort.parent, &cohort.groups)))
        .collect();
    // Cohorts that are only named.
    let named = queues.values().map(|queue| queue.cohort.as_str());
    let parents = cohorts.values().map(|cohort| cohort.parent.as_str());
    for name in named.chain(parents).filter(|name| !name.is_empty()) {
        nodes.entry(name).or_default();
    }
    let order = by_depth(&mut nodes);

    let queue_nodes: BTreeMap<&'a str, Node<'a>> = queues
        .iter()
        .map(|(name, queue)| (name.as_str(), Node::of(&queue.cohort, &queue.groups)))
        .collect();
    let mut sums = 0;
    for node in queue_nodes.values() {
        sums += node.subtree.len();
        give(&mut nodes, node.parent, lent(node));
    }
    for name in order.iter().rev() {
        let Some(node) = nodes.get(name) else { continue };
        sums += node.subtree.len();
        if sums > MOST {
            return BTreeMap::new();
        }
        let (parent, given) = (node.parent, lent(node));
        give(&mut nodes, parent, given);
    }

    let mut found = BTreeMap::new();
    for (name, node) in &queue_nodes {
        // From the root down to the queue.
        let mut above = Vec::new();
        let mut at = node.parent;
        while let Some(cohort) = nodes.get(at) {
            if cohort.depth.is_none() || above.len() > nodes.len() {
                break;
            }
            above.push(cohort);
            at = cohort.parent;
        }
        let is_whole = at.is_empty();
        sums += above.len().saturating_mul(node.own.len());
        if sums > MOST {
            return BTreeMap::new();
        }
        if is_whole {
            let ceiling = |key: Key<'a>| {
                let most = above
                    .iter()
                    .rev()
                    .fold(None, |most, cohort| Some(cohort.ceiling(key, most)));
                node.ceiling(key, most)
            };
            let own = node.own.keys();
            let ceilings = own.map(|(flavor, resource)| {
                let key = ((*flavor).to_owned(), (*resource).to_owned());
                (key, ceiling((flavor, resource)))
            });
            found.insert((*name).to_owned(), ceilings.collect());
        }
    }
    found
}

/// Adds amounts to what a cohort has.
fn give<'a>(nodes: &mut BTreeMap<&'a str, Node<'a>>, cohort: &str, given: Vec<(Key<'a>, Units)>) {
    let Some(cohort) = nodes.get_mut(cohort) else { return };
    for (key, amount) in given {
        let sum = cohort.subtree.entry(key).or_default();
        *sum = sum.saturating_add(amount);
    }
}

/// What a node lends its parent.
fn lent<'a>(node: &Node<'a>) -> Vec<(Key<'a>, Units)> {
    let all = node.subtree.iter();
    all.map(|(key, amount)| (*key, amount.saturating_sub(node.kept(*key))))
        .collect()
}

/// Fills in the depths, and returns the names of the cohorts that are not below themselves, those at the top first.
fn by_depth<'a>(nodes: &mut BTreeMap<&'a str, Node<'a>>) -> Vec<&'a str> {
    let mut children: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, node) in nodes.iter() {
        children.entry(node.parent).or_default().push(name);
    }
    let mut order = Vec::new();
    let mut level = children.remove("").unwrap_or_default();
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        for name in level {
            if let Some(node) = nodes.get_mut(name) {
                node.depth = Some(depth);
            }
            order.push(name);
            next.extend(children.remove(name).unwrap_or_default());
        }
        level = next;
        depth += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tree;
    use serde_json::{Value, json};

    fn spec(above: (&str, &str), quota: Value) -> Value {
        let mut quota = quota;
        quota["name"] = json!("gpu");
        json!({"spec": {above.0: above.1, "resourceGroups": [
            {"coveredResources": ["gpu"], "flavors": [{"name": "a", "resources": [quota]}]}]}})
    }

    fn of(queues: &[(&str, Value)], cohorts: &[(&str, Value)]) -> BTreeMap<String, Option<Units>> {
        let queue = |(name, object): &(&str, Value)| {
            let tree = Tree::of(object).unwrap();
            ((*name).to_owned(), ClusterQueue::read(tree.root()).unwrap())
        };
        let cohort = |(name, object): &(&str, Value)| {
            let tree = Tree::of(object).unwrap();
            ((*name).to_owned(), Cohort::read(tree.root()).unwrap())
        };
        let queues: BTreeMap<_, _> = queues.iter().map(queue).collect();
        let all = ceilings(&queues, &cohorts.iter().map(cohort).collect());
        let one = |name: &String| all.get(name)?.values().next().copied();
        queues.keys().map(|name| (name.clone(), one(name))).collect()
    }

    #[test]
    fn a_queue_alone_has_its_nominal_quota() {
        let found = of(&[("q", spec(("cohort", ""), json!({"nominalQuota": 16})))], &[]);
        assert_eq!(found["q"], Some(16));
    }

    #[test]
    fn what_is_lent_and_borrowed_is_limited() {
        let queues = [
            (
                "a",
                spec(("cohortName", "c"), json!({"nominalQuota": 16, "borrowingLimit": 16})),
            ),
            (
                "b",
                spec(("cohort", "c"), json!({"nominalQuota": 64, "lendingLimit": 8})),
            ),
            ("d", spec(("cohort", "c"), json!({"nominalQuota": 0}))),
        ];
        let found = of(&queues, &[]);
        // b keeps 56 for itself. The cohort has 16 and 8.
        assert_eq!((found["a"], found["b"], found["d"]), (Some(24), Some(80), Some(24)));
    }

    #[test]
    fn cohorts_have_parents_and_quotas() {
        let queues = [("a", spec(("cohortName", "child"), json!({"nominalQuota": 1})))];
        let cohorts = [
            (
                "child",
                spec(("parentName", "root"), json!({"nominalQuota": 2, "borrowingLimit": 3})),
            ),
            ("root", spec(("parentName", ""), json!({"nominalQuota": 100}))),
        ];
        assert_eq!(of(&queues, &cohorts)["a"], Some(6));
        // The parent is only named.
        assert_eq!(of(&queues, &cohorts[..1])["a"], Some(3));
    }

    #[test]
    fn a_circle_of_cohorts_is_unknown_and_a_long_chain_is_not() {
        let queues = [("a", spec(("cohortName", "x"), json!({"nominalQuota": 1})))];
        let circle = [
            ("x", spec(("parentName", "y"), json!({}))),
            ("y", spec(("parentName", "x"), json!({}))),
        ];
        assert_eq!(of(&queues, &circle)["a"], None);
        let names: Vec<String> = (0..10_000).map(|number| format!("c{number}")).collect();
        let mut chain: Vec<(&str, Value)> = names
            .windows(2)
            .map(|pair| (pair[0].as_str(), json!({"spec": {"parentName": pair[1]}})))
            .collect();
        chain.push(("x", json!({"spec": {"parentName": "c0"}})));
        assert_eq!(of(&queues, &chain)["a"], Some(1));
    }
}
