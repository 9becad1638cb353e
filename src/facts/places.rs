//! Where a pod can run: shapes of nodes, indexed, so that a question costs a few operations on sets of bits.

use std::collections::{BTreeMap, BTreeSet};

use crate::k8s::node_selector::{Operator, Requirement};
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::{Taint, Toleration};

use super::nodes::{Shape, Shapes, is_extended};

/// What a pod needs of a node.
#[derive(Clone, Debug, Default)]
pub struct Needs<'p> {
    /// The node selector: all of it must be met.
    pub selector: Vec<Requirement<'p>>,
    /// The terms of the required node affinity: all of one of them must be met, if there are any.
    pub terms: Vec<Vec<Requirement<'p>>>,
    /// The pod's tolerations.
    pub tolerations: Vec<Toleration<'p>>,
    /// Whether anybody may add tolerations that are not known here.
    pub tolerates_all: bool,
    /// Whether the API server lets the pod tolerate the taints of the devices that it requests (the admission plugin
    /// `ExtendedResourceToleration`).
    pub tolerates_devices: bool,
    /// What the pod requests, without what is zero, as [`rounded`] makes it.
    pub requests: Vec<(&'p str, Quantity)>,
}

impl<'p> Needs<'p> {
    /// Whether the pod tolerates a taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let of_device = || {
            let is_requested = || {
                self.requests
                    .iter()
                    .any(|(key, _)| *key == taint.key && is_extended(key))
            };
            self.tolerates_devices && taint.effect == "NoSchedule" && is_requested()
        };
        self.tolerates_all || self.tolerations.iter().any(|given| given.tolerates(taint)) || of_device()
    }

    /// Every requirement, of whatever term.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement<'p>> {
        self.selector.iter().chain(self.terms.iter().flatten())
    }

    /// Whether `is_met` holds for the selector, and for one of the terms.
    pub fn are_met(&self, is_met: impl Fn(&Requirement<'p>) -> bool) -> bool {
        let is_met = &is_met;
        self.selector.iter().all(is_met)
            && (self.terms.is_empty() || self.terms.iter().any(|term| term.iter().all(is_met)))
    }
}

/// A set of shapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set(Box<[u64]>);

impl Set {
    fn none(shapes: usize) -> Set {
        Set(vec![0; shapes.div_ceil(64)].into())
    }

    fn add(&mut self, shape: usize) {
        if let Some(word) = self.0.get_mut(shape / 64) {
            *word |= 1 << (shape % 64);
        }
    }

    fn join(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    fn keep(&mut self, other: &Set) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    fn remove(&mut self, other: &Set) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(word, other)| *word &= !other);
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn has(&self, shape: usize) -> bool {
        self.0
            .get(shape / 64)
            .is_some_and(|word| word & (1 << (shape % 64)) != 0)
    }
}

/// Shapes of nodes with their index.
#[derive(Clone, Debug, Default)]
pub struct Places {
    all: Shapes,
    /// Whether nodes of these shapes may have more than is declared: labels that every node gets, and native resources.
    is_declared: bool,
    every: Set,
    labels: BTreeMap<String, Label>,
    /// The shapes with each list of taints.
    taints: Vec<(Vec<Taint>, Set)>,
    resources: BTreeMap<String, Vec<(Quantity, Set)>>,
    /// Shapes of nodes that stand for another system, which has as much as it says.
    boundless: Set,
}

/// The shapes that have a label.
#[derive(Clone, Debug, Default)]
struct Label {
    any: Set,
    by_value: BTreeMap<String, Set>,
}

/// Labels of nodes behind which another system runs pods (Virtual Kubelet; Amazon EKS on Fargate).
const VIRTUAL: [(&str, &str); 2] = [
    ("type", "virtual-kubelet"),
    ("eks.amazonaws.com/compute-type", "fargate"),
];

/// Domains of labels that Kubernetes, clouds and Karpenter give nodes by themselves.
const GIVEN: [&str; 7] = [
    "kubernetes.io",
    "k8s.io",
    "karpenter.sh",
    "amazonaws.com",
    "google.com",
    "azure.com",
    "k8s.aws",
];

/// Domains of labels that an agent on the node writes once the node runs: Node Feature Discovery, and the vendors' GPU
/// feature discovery.
const AFTER_START: [&str; 5] = [
    "nvidia.com",
    "amd.com",
    "feature.node.kubernetes.io",
    "gpu.intel.com",
    "habana.ai",
];

fn is_in(key: &str, domains: &[&str]) -> bool {
    let Some((domain, _)) = key.split_once('/') else {
        return false;
    };
    domains.iter().any(|known| {
        let rest = domain.strip_suffix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether an agent on the node writes a label once the node runs, so that an autoscaler does not know it before.
pub fn is_after_start(key: &str) -> bool {
    is_in(key, &AFTER_START)
}

/// Whether a node may have a label that nobody declared: Kubernetes, the cloud or Karpenter gives it.
pub fn is_given(key: &str) -> bool {
    !is_after_start(key) && (is_in(key, &GIVEN) || key.starts_with("karpenter."))
}

/// An amount as the scheduler compares it: CPUs in whole thousandths, everything else in whole units, rounded up (Kubernetes
/// 1.37, `pkg/scheduler/framework/types.go`, `Resource.Add`).
pub fn rounded(key: &str, amount: Quantity) -> Quantity {
    let whole = match key {
        "cpu" => Quantity::from_milli(amount.milli_value()),
        _ => Quantity::from(amount.value()),
    };
    if whole == amount { amount } else { whole }
}

/// Resources that every node has.
fn is_native(key: &str) -> bool {
    !key.contains('/')
}

impl Places {
    /// The index of the shapes of a cluster.
    pub(super) fn of(shapes: Shapes) -> Places {
        Places::build(shapes, false)
    }

    /// The index of pools that somebody declares. Their nodes may have labels that every node gets, and any amount of a native resource
    /// that is not declared.
    pub fn declared(pools: Vec<Shape>) -> Places {
        let shapes = Shapes {
            shapes: pools,
            values: BTreeMap::new(),
        };
        Places::build(shapes, true)
    }

    fn build(mut all: Shapes, is_declared: bool) -> Places {
        for (key, amount) in all.shapes.iter_mut().flat_map(|shape| &mut shape.allocatable) {
            *amount = rounded(key, amount.clone());
        }
        let none = Set::none(all.shapes.len());
        let mut places = Places {
            is_declared,
            every: none.clone(),
            boundless: none.clone(),
            ..Places::default()
        };
        let mut amounts: BTreeMap<&String, BTreeSet<&Quantity>> = BTreeMap::new();
        for (at, shape) in all.shapes.iter().enumerate() {
            places.every.add(at);
            for (key, value) in &shape.labels {
                let label = places.labels.entry(key.clone()).or_insert_with(|| Label {
                    any: none.clone(),
                    by_value: BTreeMap::new(),
                });
                label.any.add(at);
                label
                    .by_value
                    .entry(value.clone())
                    .or_insert_with(|| none.clone())
                    .add(at);
            }
            if VIRTUAL
                .iter()
                .any(|(key, value)| shape.labels.get(*key).is_some_and(|is| is == value))
            {
                places.boundless.add(at);
            }
            match places.taints.iter_mut().find(|(taints, _)| *taints == shape.taints) {
                Some((_, set)) => set.add(at),
                None => {
                    let mut set = none.clone();
                    set.add(at);
                    places.taints.push((shape.taints.clone(), set));
                }
            }
            for (key, amount) in &shape.allocatable {
                amounts.entry(key).or_default().insert(amount);
            }
        }
        for (key, amounts) in amounts {
            let steps = amounts.into_iter().map(|amount| {
                let mut set = none.clone();
                let shapes = all.shapes.iter().enumerate();
                for (at, _) in shapes.filter(|(_, shape)| shape.allocatable.get(key).is_some_and(|has| has >= amount)) {
                    set.add(at);
                }
                (amount.clone(), set)
            });
            places.resources.insert(key.clone(), steps.collect());
        }
        places.all = all;
        places
    }

    /// All shapes.
    pub fn shapes(&self) -> &[Shape] {
        &self.all.shapes
    }

    pub(super) fn all(&self) -> &Shapes {
        &self.all
    }

    /// The shapes of a set.
    pub fn of_set<'s, 'b>(&'s self, set: &'b Set) -> impl Iterator<Item = &'s Shape> + use<'s, 'b> {
        let shapes = self.all.shapes.iter().enumerate();
        shapes.filter(|(at, _)| set.has(*at)).map(|(_, shape)| shape)
    }

    /// The shapes whose labels meet the needs, or may.
    pub fn labelled(&self, needs: &Needs<'_>) -> Set {
        let mut set = self.every.clone();
        needs.selector.iter().for_each(|one| set.keep(&self.meeting(one)));
        if !needs.terms.is_empty() {
            let mut any = Set::none(self.all.shapes.len());
            for term in &needs.terms {
                let mut all = self.every.clone();
                term.iter().for_each(|one| all.keep(&self.meeting(one)));
                any.join(&all);
            }
            set.keep(&any);
        }
        set
    }

    /// The shapes that meet one requirement, or may.
    pub fn meeting(&self, requirement: &Requirement<'_>) -> Set {
        let key = requirement.key;
        let mut set = Set::none(self.all.shapes.len());
        if let Some(values) = self.all.values.get(key) {
            let may = requirement.is_met_by_absence()
                || values
                    .as_ref()
                    .is_none_or(|values| values.iter().any(|value| requirement.is_met(Some(value))));
            return if may { self.every.clone() } else { set };
        }
        let label = self.labels.get(key);
        let may_lack = requirement.is_met_by_absence() || (self.is_declared && is_given(key));
        if may_lack {
            set.join(&self.every);
            if let Some(label) = label {
                set.remove(&label.any);
            }
        }
        let Some(label) = label else { return set };
        match requirement.operator {
            Operator::In => requirement
                .values
                .iter()
                .filter_map(|value| label.by_value.get(*value))
                .for_each(|shapes| set.join(shapes)),
            Operator::Exists => set.join(&label.any),
            Operator::DoesNotExist => {}
            Operator::NotIn | Operator::Gt | Operator::Lt => label
                .by_value
                .iter()
                .filter(|(value, _)| requirement.is_met(Some(value)))
                .for_each(|(_, shapes)| set.join(shapes)),
        }
        set
    }

    /// Those of a set of which a pod tolerates all taints.
    pub fn tolerated(&self, needs: &Needs<'_>, mut set: Set) -> Set {
        for (taints, shapes) in &self.taints {
            if !taints.iter().all(|taint| needs.tolerates(taint)) {
                set.remove(shapes);
            }
        }
        set
    }

    /// Those of a set that have so much of a resource, or may.
    pub fn offering(&self, key: &str, amount: &Quantity, mut set: Set) -> Set {
        let mut offering = self.boundless.clone();
        let steps = self.resources.get(key).map(Vec::as_slice).unwrap_or_default();
        let at = steps.partition_point(|(has, _)| has < amount);
        if let Some((_, shapes)) = steps.get(at) {
            offering.join(shapes);
        }
        if self.is_declared && is_native(key) {
            let mut undeclared = self.every.clone();
            if let Some((_, has)) = steps.first() {
                undeclared.remove(has);
            }
            offering.join(&undeclared);
        }
        set.keep(&offering);
        set
    }

    /// Those of a set that have all that a pod requests.
    pub fn large_enough(&self, needs: &Needs<'_>, mut set: Set) -> Set {
        for (key, amount) in &needs.requests {
            if set.is_empty() {
                break;
            }
            set = self.offering(key, amount, set);
        }
        set
    }

    /// The values of a label, each with the number of nodes that have it, 0 where that is not known; `None` if not all are known.
    pub fn values(&self, key: &str) -> Option<BTreeMap<&str, u64>> {
        if let Some(values) = self.all.values.get(key) {
            return Some(values.as_ref()?.iter().map(|value| (value.as_str(), 0)).collect());
        }
        let values = self.labels.get(key).map(|label| &label.by_value);
        let count = |set| {
            self.of_set(set)
                .fold(0, |sum: u64, shape| sum.saturating_add(shape.count))
        };
        Some(
            values
                .into_iter()
                .flatten()
                .map(|(value, set)| (value.as_str(), count(set)))
                .collect(),
        )
    }

    /// The keys of all labels.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().chain(self.all.values.keys()).map(String::as_str)
    }

    /// Whether one shape of a set stands for another system, of which no bound is known.
    pub fn has_boundless(&self, set: &Set) -> bool {
        let mut boundless = self.boundless.clone();
        boundless.keep(set);
        !boundless.is_empty()
    }
}
