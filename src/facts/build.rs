//! Facts as they are put together, object by object.

use sha2::{Digest as _, Sha256};

use crate::diag::one_line;
use crate::json::Json;
use crate::k8s::json::{child, text};
use crate::k8s::selector::labels;

use super::ceilings::ceilings;
use super::fact::Fact;
use super::kueue::{ClusterQueue, Cohort, LocalQueue, ResourceFlavor};
use super::objects::{ClaimTemplate, DeviceClass, LimitRange, PriorityClass, Quota, RuntimeClass};
use super::set::{Facts, Namespace, State};

/// Puts facts together.
#[derive(Debug, Default)]
pub struct Builder {
    facts: Facts,
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

    fn try_add(&mut self, fact: Fact, object: Json<'_>) -> Option<()> {
        let metadata = child(object, "metadata");
        let name = text(metadata, "name").filter(|name| !name.is_empty())?;
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

    fn namespace(&mut self, name: &str) -> &mut Namespace {
        self.facts.namespaces.entry(name.to_owned()).or_default()
    }

    /// The facts: sorted, so that the order in which objects came does not matter, and with their digest.
    pub fn finish(mut self) -> Facts {
        for namespace in self.facts.namespaces.values_mut() {
            namespace.limit_ranges.sort_by(|a, b| a.name.cmp(&b.name));
            namespace.quotas.sort_by(|a, b| a.name.cmp(&b.name));
        }
        self.facts.ceilings = ceilings(&self.facts.cluster_queues, &self.facts.cohorts);
        if !self.facts.states.is_empty() {
            let hash = Sha256::digest(self.facts.to_value(false).to_string());
            self.facts.digest = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        }
        self.facts
    }
}
