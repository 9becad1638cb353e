//! Facts as they are put together, object by object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diag::one_line;
use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::k8s::selector::labels;

use super::autoscale::{NodePool, groups};
use super::ceilings::ceilings;
use super::fact::Fact;
use super::kueue::{ClusterQueue, Cohort, LocalQueue, ResourceFlavor};
use super::nodes::{Node, Pair, Shapes, Texts};
use super::objects::{ClaimTemplate, DeviceClass, LimitRange, PriorityClass, Quota, RuntimeClass};
use super::places::Places;
use super::set::{Facts, Namespace, State};

/// Puts facts together.
#[derive(Debug, Default)]
pub struct Builder {
    facts: Facts,
    nodes: Vec<Arc<Node>>,
    texts: Texts,
    /// The labels that all nodes have.
    labels: Vec<Pair>,
    /// The labels that the nodes leave out.
    values: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Builder {
    /// Facts of a cluster of this name, whose API server has this version. Both may be empty.
    pub fn new(cluster: &str, kubernetes: &str) -> Builder {
        let mut builder = Builder::default();
        builder.facts.cluster = cluster.to_owned();
        builder.facts.kubernetes = kubernetes.to_owned();
        builder
    }

    /// Says what is known of a kind. A kind of which an object could not be read stays unknown.
    pub fn state(&mut self, fact: Fact, state: State) {
        let states = &mut self.facts.states;
        if !matches!(states.get(&fact), Some(State::Unknown(_))) {
            states.insert(fact, state);
        }
    }

    /// Adds an object, in the shape that Kubernetes gives it. If it cannot be read, its whole kind becomes unknown.
    pub fn add(&mut self, fact: Fact, object: Json<'_>) {
        if self.try_add(fact, object).is_none() {
            let metadata = child(object, "metadata");
            let name = text(metadata, "name").unwrap_or_default();
            let reason = match text(metadata, "namespace") {
                Some(namespace) => format!("{} {namespace}/{name} cannot be read", fact.name()),
                None => format!("{} {name} cannot be read", fact.name()),
            };
            self.state(fact, State::Unknown(one_line(&reason).into_owned()));
        }
    }

    /// Adds a node that is read already.
    pub fn add_node(&mut self, node: Arc<Node>) {
        self.nodes.push(node);
    }

    /// Says that all nodes that are added from now on have a label.
    pub(super) fn common_label(&mut self, key: &str, value: &str) {
        self.labels.push(self.texts.pair(key, value));
    }

    /// Says which values a label has that the nodes leave out; `None` if they are too many.
    pub(super) fn values_of_label(&mut self, key: &str, values: Option<BTreeSet<String>>) {
        self.values.insert(key.to_owned(), values);
    }

    fn try_add(&mut self, fact: Fact, object: Json<'_>) -> Option<()> {
        if fact == Fact::Node {
            let node = Node::read(object, &mut self.texts)?;
            self.nodes.push(Arc::new(node.with_labels(&self.labels)));
            return Some(());
        }
        let metadata = child(object, "metadata");
        let name = text(metadata, "name").filter(|name| !name.is_empty())?;
        if !fact.takes(text(metadata, "namespace").unwrap_or_default(), name) {
            return Some(());
        }
        match fact {
            Fact::Namespace => {
                self.namespace(name).labels = Some(labels(metadata, "labels")?);
            }
            Fact::LimitRange => {
                let range = LimitRange::read(name, object)?;
                self.namespace(text(metadata, "namespace")?).limit_ranges.push(range);
            }
            Fact::ResourceQuota => {
                let quota = Quota::read(name, object)?;
                self.namespace(text(metadata, "namespace")?).quotas.push(quota);
            }
            Fact::PriorityClass => {
                let class = PriorityClass::read(object);
                self.facts.priority_classes.insert(name.to_owned(), class);
            }
            Fact::RuntimeClass => {
                let class = RuntimeClass::read(object)?;
                self.facts.runtime_classes.insert(name.to_owned(), class);
            }
            Fact::LocalQueue => {
                let queue = LocalQueue::read(object)?;
                let namespace = self.namespace(text(metadata, "namespace")?);
                namespace.local_queues.insert(name.to_owned(), queue);
            }
            Fact::ClusterQueue => {
                let queue = ClusterQueue::read(object)?;
                self.facts.cluster_queues.insert(name.to_owned(), queue);
            }
            Fact::WorkloadPriorityClass => {
                self.facts.workload_priority_classes.insert(name.to_owned());
            }
            Fact::Node => {}
            Fact::NodePool => {
                let pool = NodePool::read(object)?;
                self.facts.node_pools.insert(name.to_owned(), pool);
            }
            Fact::AutoscalerStatus => self.facts.autoscaler_groups = groups(object)?,
            Fact::VolumeClaim => {
                let modes = items(child(object, "spec"), "accessModes").iter();
                let modes = modes
                    .map(|mode| Some(mode.as_str()?.to_owned()))
                    .collect::<Option<_>>()?;
                let namespace = self.namespace(text(metadata, "namespace")?);
                namespace.volume_claims.insert(name.to_owned(), modes);
            }
            Fact::ResourceFlavor => {
                let flavor = ResourceFlavor::read(object)?;
                self.facts.resource_flavors.insert(name.to_owned(), flavor);
            }
            Fact::Cohort => {
                let cohort = Cohort::read(object)?;
                self.facts.cohorts.insert(name.to_owned(), cohort);
            }
            Fact::DeviceClass => {
                let class = DeviceClass::read(object);
                self.facts.device_classes.insert(name.to_owned(), class);
            }
            Fact::ResourceClaimTemplate => {
                let template = ClaimTemplate::read(object);
                let namespace = self.namespace(text(metadata, "namespace")?);
                namespace.claim_templates.insert(name.to_owned(), template);
            }
            Fact::ResourceClaim => {
                let namespace = self.namespace(text(metadata, "namespace")?);
                namespace.claims.insert(name.to_owned());
            }
            Fact::RayCluster => {
                let namespace = self.namespace(text(metadata, "namespace")?);
                namespace.ray_clusters.insert(name.to_owned());
            }
            Fact::ServiceAccount => {
                let name = name.to_owned();
                self.namespace(text(metadata, "namespace")?)
                    .service_accounts
                    .insert(name);
            }
        }
        Some(())
    }

    /// Folds the nodes into shapes, without the taints that the nodes of a NodePool have until they are ready.
    fn fold(&mut self) {
        let startup: Vec<_> = self
            .facts
            .node_pools
            .values()
            .flat_map(|pool| &pool.startup_taints)
            .collect();
        match Shapes::of(&self.nodes, std::mem::take(&mut self.values), &startup) {
            Ok(shapes) => self.facts.places = Places::of(shapes),
            Err(reason) => self.state(Fact::Node, State::Unknown(reason)),
        }
    }

    fn namespace(&mut self, name: &str) -> &mut Namespace {
        self.facts.namespaces.entry(name.to_owned()).or_default()
    }

    /// The facts: sorted, so that the order in which objects came does not matter, and with their digest.
    pub fn finish(mut self) -> Facts {
        for namespace in self.facts.namespaces.values_mut() {
            namespace.limit_ranges.sort_by(|a, b| a.name.cmp(&b.name));
            namespace.quotas.sort_by(|a, b| a.name.cmp(&b.name));
        }
        self.fold();
        self.facts.ceilings = ceilings(&self.facts.cluster_queues, &self.facts.cohorts);
        if !self.facts.states.is_empty() {
            self.facts.digest = self.facts.sum();
        }
        self.facts
    }
}
