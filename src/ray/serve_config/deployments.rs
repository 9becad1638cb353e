//! What the deployments of a config ask for.

use std::collections::BTreeMap;

use crate::k8s::path::Path;
use crate::ray::go_yaml::Document;
use crate::yaml::{Node, NodeValue};

use super::Place;
use super::kinds::{Number, Whole};

/// What Ray makes of `num_replicas: auto` without further numbers (`AutoscalingConfig.default`).
const AUTO: (i64, i64) = (1, 100);

/// A deployment that a config names.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The name of its application.
    pub application: String,
    /// Its name.
    pub name: String,
    /// Where it is in the config.
    pub place: Place,
    /// Its replicas.
    pub replicas: Replicas,
    /// What the actor of one replica needs. `None` where the config does not say so, and the code decides.
    pub actor: Option<Needs>,
    /// What each bundle of one replica's placement group needs: the actor takes its share from the first one. Empty where
    /// the config names no placement group.
    pub bundles: Vec<Needs>,
    /// `placement_group_strategy`: with `STRICT_PACK` all bundles must fit on one node. Ray's default is `PACK`.
    pub strategy: Option<String>,
}

/// How many replicas a deployment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// The code decides.
    Code,
    /// So many.
    Fixed(i64),
    /// The autoscaler of Serve decides.
    Between {
        /// At least.
        min: i64,
        /// At first, where the config says so.
        initial: Option<i64>,
        /// At most.
        max: i64,
    },
}

/// The resources of an actor or of a bundle, in Ray's own units.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// CPUs. For an actor without a number Ray takes 1.
    pub cpus: Option<f64>,
    /// GPUs.
    pub gpus: Option<f64>,
    /// Memory in bytes.
    pub memory: Option<f64>,
    /// Other resources, in the order of the text.
    pub others: Vec<(String, f64)>,
    /// The type of accelerator that the node must have.
    pub accelerator_type: Option<String>,
}

/// CPUs, GPUs and bytes of memory.
pub type Amounts = [f64; 3];

/// Custom resources by name.
pub type Others = BTreeMap<String, f64>;

/// What one Ray node must have for a part of a replica.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What every node may have.
    pub amounts: Amounts,
    /// Custom resources.
    pub others: Others,
}

impl Part {
    /// The CPUs that it needs.
    pub fn cpus(&self) -> f64 {
        let [cpus, ..] = self.amounts;
        cpus
    }
}

impl Deployment {
    /// What one replica needs, each part on one node. Empty where the code decides.
    pub fn parts(&self) -> Vec<Part> {
        let part = |needs: &Needs, cpus: f64| Part {
            amounts: [
                needs.cpus.unwrap_or(cpus),
                needs.gpus.unwrap_or_default(),
                needs.memory.unwrap_or_default(),
            ],
            others: needs
                .others
                .iter()
                .filter(|(name, _)| is_custom(name))
                .cloned()
                .collect(),
        };
        if self.bundles.is_empty() {
            return self.actor.iter().map(|needs| part(needs, 1.0)).collect();
        }
        let bundles = self.bundles.iter().map(|needs| part(needs, 0.0));
        if self.strategy.as_deref() != Some("STRICT_PACK") {
            return bundles.collect();
        }
        vec![bundles.fold(Part::default(), |mut sum, bundle| {
            sum.amounts
                .iter_mut()
                .zip(bundle.amounts)
                .for_each(|(sum, amount)| *sum += amount);
            for (name, amount) in bundle.others {
                *sum.others.entry(name).or_default() += amount;
            }
            sum
        })]
    }
}

/// Whether a node has a resource of this name only if it is given one. Ray itself names those with a colon, such as
/// `node:10.0.0.1`, and its store.
fn is_custom(name: &str) -> bool {
    !name.contains(':') && name != "object_store_memory"
}

/// The value of a key that is set to something other than null.
pub(super) fn set<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| value.value != NodeValue::Null)
}

/// Whether a deployment has `num_replicas: auto`.
pub(super) fn is_auto(deployment: &Node) -> bool {
    deployment.get("num_replicas").and_then(Node::as_str) == Some("auto")
}

/// A whole number, also one written as a string.
pub(super) fn integer(node: &Node) -> Option<i64> {
    let number = read(node, Whole::Lax)?;
    // Past 64 bits the cast takes the nearest number, as it should here.
    Some(number as i64)
}

fn read(node: &Node, whole: Whole) -> Option<f64> {
    let number = Number {
        whole,
        least: None,
        above: None,
        most: None,
    };
    number.read(node, true)
}

/// The deployments of a config, in the order of the text.
pub(super) fn of(document: &Document) -> Vec<Deployment> {
    let mut deployments = Vec::new();
    for (index, application) in list(document.root(), "applications").iter().enumerate() {
        let path = Path::of(["applications"]).then_index(index).then_key("deployments");
        let name = application.get("name").and_then(Node::as_str).unwrap_or("default");
        for (index, deployment) in list(application, "deployments").iter().enumerate() {
            deployments.push(Deployment {
                application: name.to_owned(),
                name: text(deployment, "name").unwrap_or_default(),
                place: Place::new(&path.index(index), document.location(deployment.span)),
                replicas: replicas(deployment),
                actor: set(deployment, "ray_actor_options").map(actor),
                bundles: list(deployment, "placement_group_bundles").iter().map(bundle).collect(),
                strategy: text(deployment, "placement_group_strategy"),
            });
        }
    }
    deployments
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_sequence).unwrap_or_default()
}

fn text(node: &Node, key: &str) -> Option<String> {
    Some(node.get(key)?.as_str()?.to_owned())
}

fn replicas(deployment: &Node) -> Replicas {
    let config = set(deployment, "autoscaling_config");
    if let (None, Some(number)) = (config, set(deployment, "num_replicas").and_then(integer)) {
        return Replicas::Fixed(number);
    }
    let is_auto = is_auto(deployment);
    if config.is_none() && !is_auto {
        return Replicas::Code;
    }
    let default_max = if is_auto { AUTO.1 } else { 1 };
    let number = |key: &str| config.and_then(|config| set(config, key)).and_then(integer);
    Replicas::Between {
        min: number("min_replicas").unwrap_or(AUTO.0),
        initial: number("initial_replicas"),
        max: number("max_replicas").unwrap_or(default_max),
    }
}

fn actor(options: &Node) -> Needs {
    let number = |key: &str| set(options, key).and_then(|value| read(value, Whole::No));
    Needs {
        cpus: number("num_cpus"),
        gpus: number("num_gpus"),
        memory: number("memory"),
        others: options.get("resources").map(others).unwrap_or_default(),
        accelerator_type: text(options, "accelerator_type"),
    }
}

/// A bundle names the resources of nodes: `CPU`, `GPU`, `memory` and others.
fn bundle(bundle: &Node) -> Needs {
    let number = |key: &str| set(bundle, key).and_then(|value| read(value, Whole::No));
    let mut others = others(bundle);
    others.retain(|(key, _)| !matches!(&**key, "CPU" | "GPU" | "memory"));
    Needs {
        cpus: number("CPU"),
        gpus: number("GPU"),
        memory: number("memory"),
        others,
        accelerator_type: None,
    }
}

fn others(resources: &Node) -> Vec<(String, f64)> {
    let entries = resources.as_mapping().unwrap_or_default().iter();
    entries
        .filter_map(|entry| Some((entry.key.text.clone(), read(&entry.value, Whole::No)?)))
        .collect()
}
