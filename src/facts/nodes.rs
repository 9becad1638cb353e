//! Nodes: read one by one, and folded into shapes.
//!
//! A shape is the labels and taints that some nodes share, with the greatest amount of each resource that one of them has. A
//! cluster of 5,000 nodes usually has some dozens. A label with more than 64 values, such as the name of the host, would
//! give each node a shape of its own. It leaves the shapes, and only the values that it has anywhere are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::json::Json;
use crate::k8s::json::given;
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::Taint;

use super::objects::Amounts;

/// The most shapes.
pub const MOST_SHAPES: usize = 500;
/// How many values of a label may tell shapes apart: the first number that leads to few and small enough shapes.
const MOST_VALUES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];
/// The most bytes that the shapes may take in a file, and the most that the values of all other labels may.
const MOST_BYTES: usize = 130_000;
const MOST_INDEX_BYTES: usize = 50_000;
/// The longest key and value of a label (Kubernetes, `apimachinery/pkg/util/validation`).
const LONGEST_KEY: usize = 253 + 1 + 63;
const LONGEST_VALUE: usize = 63;

/// A text and what it is set to, which many nodes share.
pub(super) type Pair = Arc<(String, String)>;

/// A node, or several that are alike. Copies of it and nodes of the same [`Texts`] share their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    labels: Box<[Pair]>,
    taints: Arc<[Taint]>,
    resources: Box<[Pair]>,
    count: u64,
}

/// The texts that nodes share.
#[derive(Debug, Default)]
pub struct Texts {
    pairs: BTreeSet<Pair>,
    taints: BTreeSet<Arc<[Taint]>>,
}

impl Texts {
    pub(super) fn pair(&mut self, key: &str, value: &str) -> Pair {
        let pair = (key.to_owned(), value.to_owned());
        if let Some(known) = self.pairs.get(&pair) {
            return Arc::clone(known);
        }
        let pair = Arc::new(pair);
        self.pairs.insert(Arc::clone(&pair));
        pair
    }

    fn taints(&mut self, mut taints: Vec<Taint>) -> Arc<[Taint]> {
        taints.sort();
        taints.dedup();
        if let Some(known) = self.taints.get(taints.as_slice()) {
            return Arc::clone(known);
        }
        let taints: Arc<[Taint]> = taints.into();
        self.taints.insert(Arc::clone(&taints));
        taints
    }

    /// Forgets the texts that no node has any more.
    pub fn forget_unused(&mut self) {
        self.pairs.retain(|pair| Arc::strong_count(pair) > 1);
        self.taints.retain(|taints| Arc::strong_count(taints) > 1);
    }
}

/// Taints that come and go without anybody's doing: how their keys begin (Kubernetes, `well_known_taints.go`, Karpenter 1.6,
/// cluster-autoscaler 1.34, the documentation of GKE and AKS, AWS Node Termination Handler 1.25 `pkg/node/node.go`).
const PASSING: [&str; 20] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/out-of-service",
    "node.cloudprovider.kubernetes.io/",
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "status-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "ToBeDeletedTaint",
    "karpenter.sh/",
    "readiness.k8s.io/",
    "cloud.google.com/impending-node-termination",
    "remediator.kubernetes.azure.com/",
    "aws-node-termination-handler/",
];

/// How the keys of taints end that an agent on the node takes away: `node.cilium.io/agent-not-ready`, `cni.istio.io/not-ready`,
/// `node.cluster.x-k8s.io/uninitialized`.
const PASSING_ENDS: [&str; 2] = ["not-ready", "uninitialized"];

fn is_passing(taint: &Taint) -> bool {
    PASSING.iter().any(|begin| taint.key.starts_with(begin)) || PASSING_ENDS.iter().any(|end| taint.key.ends_with(end))
}

impl Node {
    /// Reads a node in the shape that Kubernetes gives it, with `count` beside `metadata` if it is for several; `None` if
    /// that cannot be. Of an extended resource, the node counts with its whole capacity: devices that are
    /// not healthy now may be so again.
    pub fn read(object: Json<'_>, texts: &mut Texts) -> Option<Node> {
        let status = given(object, "status").filter(|status| status.is_object())?;
        let mut labels: Vec<Pair> = Vec::new();
        for (key, value) in map(map(object, "metadata")?, "labels")?
            .as_object()
            .into_iter()
            .flatten()
        {
            let value = value.as_str()?;
            if key.len() > LONGEST_KEY || value.len() > LONGEST_VALUE {
                return None;
            }
            labels.push(texts.pair(key, value));
        }
        let taints = match given(map(object, "spec")?, "taints") {
            None => Vec::new(),
            Some(taints) => taints.as_array()?.iter().map(Taint::read).collect::<Option<_>>()?,
        };
        let mut amounts = BTreeMap::new();
        for block in ["allocatable", "capacity"] {
            for (key, value) in map(status, block)?.as_object().into_iter().flatten() {
                let quantity = Quantity::from_json(value)
                    .ok()
                    .filter(|quantity| !quantity.is_negative())?;
                if key.len() > LONGEST_KEY {
                    return None;
                }
                if block == "allocatable" || is_extended(key) {
                    raise(&mut amounts, key, quantity);
                }
            }
        }
        let count = match object.get("count") {
            None => 1,
            Some(count) => count.as_u64()?,
        };
        let lasting = taints.into_iter().filter(|taint| taint.repels() && !is_passing(taint));
        Some(Node {
            labels: labels.into(),
            taints: texts.taints(lasting.collect()),
            resources: amounts
                .iter()
                .map(|(key, amount)| texts.pair(key, &amount.to_string()))
                .collect(),
            count,
        })
    }

    /// The same with these labels beside its own.
    pub(super) fn with_labels(mut self, labels: &[Pair]) -> Node {
        if !labels.is_empty() {
            let mut all: Vec<Pair> = self.labels.iter().chain(labels).map(Arc::clone).collect();
            all.sort();
            all.dedup_by(|a, b| a.0 == b.0);
            self.labels = all.into();
        }
        self
    }

    /// The same for a node that is no longer there, but may come back.
    #[must_use]
    pub fn gone(mut self) -> Node {
        self.count = 0;
        self
    }
}

/// The object under a key, null where it is missing; `None` if it is something else.
fn map<'a>(value: Json<'a>, key: &str) -> Option<Json<'a>> {
    match given(value, key) {
        None => Some(Json::NULL),
        found => found.filter(|found| found.is_object()),
    }
}

/// Whether a resource is one of devices, which the node offers through a plugin.
pub fn is_extended(key: &str) -> bool {
    key.contains('/') && !key.starts_with("kubernetes.io/") && !key.contains(".kubernetes.io/")
}

fn raise(amounts: &mut BTreeMap<String, Quantity>, key: &str, amount: Quantity) {
    let known = amounts.entry(key.to_owned()).or_insert(Quantity::ZERO);
    if amount > *known {
        *known = amount;
    }
}

/// Nodes that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The labels that all of them have, without those of the index of values.
    pub labels: BTreeMap<String, String>,
    /// The taints that keep pods away.
    pub taints: Vec<Taint>,
    /// The most of each resource that one of them has.
    pub allocatable: Amounts,
    /// How many there are; of a pool, the most that there may be, and [`u64::MAX`] where nothing bounds it.
    pub count: u64,
}

/// All shapes of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    /// Each shape.
    pub shapes: Vec<Shape>,
    /// The labels that shapes leave out, with the values that they have on some node; `None` if these are too many.
    pub values: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Shapes {
    /// Folds nodes. `values` are labels that the nodes leave out already, and `startup` taints that do not last.
    ///
    /// # Errors
    /// The reason, if the shapes would be too many or too large.
    pub(super) fn of(
        nodes: &[Arc<Node>],
        values: BTreeMap<String, Option<BTreeSet<String>>>,
        startup: &[&Taint],
    ) -> Result<Shapes, String> {
        let mut seen: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
        for label in nodes.iter().flat_map(|node| &node.labels) {
            let (values, nodes) = seen.entry(&label.0).or_default();
            values.insert(&label.1);
            *nodes += 1;
        }
        let common: usize = seen
            .iter()
            .filter(|(_, (values, count))| values.len() == 1 && *count == nodes.len())
            .map(|(key, (values, _))| key.len() + values.iter().map(|value| value.len()).sum::<usize>() + 6)
            .sum();
        for most in MOST_VALUES {
            // A node without the label differs from the others too.
            let left_out = |key: &str| {
                values.contains_key(key)
                    || seen.get(key).is_some_and(|(values, count)| {
                        values.len() > most || (most < MOST_VALUES[0] && values.len() == most && *count < nodes.len())
                    })
            };
            if let Some(shapes) = folded(nodes, left_out, common, startup) {
                let left_out = seen.iter().filter(|(key, _)| left_out(key));
                let left_out = left_out.map(|(key, (values, _))| (*key, values.clone()));
                let values = index(left_out.collect(), values);
                if index_size(&values) > MOST_INDEX_BYTES {
                    break;
                }
                return Ok(Shapes { shapes, values });
            }
        }
        Err(format!(
            "the {} nodes have more than {MOST_SHAPES} shapes, or more than {} KB of labels",
            nodes.len(),
            MOST_BYTES / 1000
        ))
    }

    /// The labels that all shapes have, which a file names once.
    fn common(&self) -> BTreeMap<&String, &String> {
        let Some((first, others)) = self.shapes.split_first() else {
            return BTreeMap::new();
        };
        let is_common =
            |(key, value): &(&String, &String)| others.iter().all(|shape| shape.labels.get(*key) == Some(value));
        first.labels.iter().filter(is_common).collect()
    }

    /// What a file says of them, beside the time.
    pub(super) fn written(&self) -> Map<String, Value> {
        let common = self.common();
        let shape = |shape: &Shape| {
            let labels: BTreeMap<_, _> = shape
                .labels
                .iter()
                .filter(|(key, _)| !common.contains_key(key))
                .collect();
            let taint = |taint: &Taint| match taint.value.as_str() {
                "" => json!({"key": taint.key, "effect": taint.effect}),
                value => json!({"key": taint.key, "value": value, "effect": taint.effect}),
            };
            let amounts = shape.allocatable.iter();
            let amounts: Map<String, Value> = amounts
                .map(|(key, amount)| (key.clone(), amount.to_string().into()))
                .collect();
            let mut item = Map::new();
            item.insert("count".to_owned(), shape.count.into());
            if !labels.is_empty() {
                item.insert("metadata".to_owned(), json!({"labels": labels}));
            }
            if !shape.taints.is_empty() {
                let taints: Vec<Value> = shape.taints.iter().map(taint).collect();
                item.insert("spec".to_owned(), json!({"taints": taints}));
            }
            item.insert("status".to_owned(), json!({"allocatable": amounts}));
            Value::from(item)
        };
        let mut kind = Map::new();
        if !common.is_empty() {
            kind.insert("labels".to_owned(), json!(common));
        }
        if !self.values.is_empty() {
            kind.insert("values".to_owned(), json!(self.values));
        }
        let shapes: Vec<Value> = self.shapes.iter().map(shape).collect();
        kind.insert("items".to_owned(), shapes.into());
        kind
    }
}

/// The shapes of nodes without some labels; `None` if they are too many or too large.
fn folded(
    nodes: &[Arc<Node>],
    left_out: impl Fn(&str) -> bool,
    common: usize,
    startup: &[&Taint],
) -> Option<Vec<Shape>> {
    type Key<'n> = (Vec<&'n Pair>, Vec<&'n Taint>);
    let mut keys: BTreeMap<&str, bool> = BTreeMap::new();
    let mut groups: BTreeMap<Key<'_>, (u64, BTreeMap<String, Quantity>)> = BTreeMap::new();
    for node in nodes {
        let mut labels: Vec<&Pair> = Vec::with_capacity(node.labels.len());
        for pair in &node.labels {
            if !*keys.entry(&pair.0).or_insert_with(|| left_out(&pair.0)) {
                labels.push(pair);
            }
        }
        let is_startup = |taint: &Taint| {
            startup
                .iter()
                .any(|one| (&one.key, &one.effect) == (&taint.key, &taint.effect))
        };
        let taints = node.taints.iter().filter(|taint| !is_startup(taint)).collect();
        let (count, amounts) = groups.entry((labels, taints)).or_default();
        *count = count.saturating_add(node.count);
        for pair in &node.resources {
            // They were written by this module.
            if let Ok(amount) = Quantity::parse(&pair.1) {
                raise(amounts, &pair.0, amount);
            }
        }
        if groups.len() > MOST_SHAPES {
            return None;
        }
    }
    let size = |((labels, taints), (_, amounts)): (&Key<'_>, &(u64, BTreeMap<String, Quantity>))| {
        let labels = labels.iter().map(|pair| pair.0.len() + pair.1.len() + 6).sum::<usize>();
        let taints = taints.iter().map(|taint| taint.key.len() + taint.value.len() + 60);
        let amounts = amounts
            .iter()
            .map(|(key, amount)| key.len() + amount.to_string().len() + 6);
        labels.saturating_sub(common) + taints.sum::<usize>() + amounts.sum::<usize>() + 80
    };
    let size = common + groups.iter().map(size).sum::<usize>();
    if size > MOST_BYTES {
        return None;
    }
    let shapes = groups
        .into_iter()
        .map(|((labels, taints), (count, allocatable))| Shape {
            labels: labels
                .into_iter()
                .map(|pair| (pair.0.clone(), pair.1.clone()))
                .collect(),
            taints: taints.into_iter().cloned().collect(),
            allocatable,
            count,
        });
    Some(shapes.collect())
}

/// The values of labels that leave the shapes, together with those that left them before: all values of the labels with the
/// shortest lists, as far as there is room.
fn index(
    labels: BTreeMap<&str, BTreeSet<&str>>,
    mut values: BTreeMap<String, Option<BTreeSet<String>>>,
) -> BTreeMap<String, Option<BTreeSet<String>>> {
    for (key, seen) in labels {
        let known = values.entry(key.to_owned()).or_insert_with(|| Some(BTreeSet::new()));
        if let Some(known) = known {
            known.extend(seen.into_iter().map(str::to_owned));
        }
    }
    let mut sizes: Vec<(usize, String)> = values
        .iter()
        .map(|(key, values)| (list_size(values), key.clone()))
        .collect();
    sizes.sort();
    let mut room = MOST_INDEX_BYTES.saturating_sub(values.keys().map(|key| key.len() + 12).sum());
    for (size, key) in sizes {
        match room.checked_sub(size) {
            Some(left) => room = left,
            None => {
                values.insert(key, None);
            }
        }
    }
    values
}

fn index_size(values: &BTreeMap<String, Option<BTreeSet<String>>>) -> usize {
    values
        .iter()
        .map(|(key, values)| key.len() + 12 + list_size(values))
        .sum()
}

fn list_size(values: &Option<BTreeSet<String>>) -> usize {
    values.iter().flatten().map(|value| value.len() + 3).sum()
}

#[cfg(test)]
mod tests;
