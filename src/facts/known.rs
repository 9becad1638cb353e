//! What a rule may ask of facts: what is unknown or too old is not there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::k8s::quantity::Quantity;

use super::autoscale::{Group, NodePool};
use super::fact::Fact;
use super::objects::{ClusterQueue, LimitRange, LocalQueue, PriorityClass, Quota, RuntimeClass};
use super::places::Places;
use super::set::{Facts, NOTHING, Namespace, State};

/// The age, in seconds, up to which a name that is missing may deny: later, somebody may have created it since.
pub const RECENT: i64 = 60;

/// Facts at a moment, for an object of a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    facts: &'a Facts,
    now: Timestamp,
    namespace: &'a str,
}

impl<'a> Known<'a> {
    /// What `facts` say now of this namespace.
    pub fn of(facts: &'a Facts, now: Timestamp, namespace: &'a str) -> Known<'a> {
        Known { facts, now, namespace }
    }

    /// What is known of this namespace where there are no facts.
    pub fn nothing(namespace: &'a str) -> Known<'a> {
        Known::of(&NOTHING, Timestamp::UNIX_EPOCH, namespace)
    }

    /// The namespace of the object.
    pub fn namespace(&self) -> &'a str {
        self.namespace
    }

    /// Whether nothing is known at all.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The minor version of the API server.
    pub fn minor(&self) -> Option<u8> {
        self.facts.minor()
    }

    /// The LimitRanges of the namespace, by name.
    pub fn limit_ranges(&self) -> Option<&'a [LimitRange]> {
        self.listed(Fact::LimitRange, |namespace| &namespace.limit_ranges)
    }

    /// The limit that LimitRanges give a container without one. `None` if there is none, or they disagree.
    pub fn default_limit(&self, key: &str) -> Option<&'a Quantity> {
        let limits = self.limit_ranges()?.iter().flat_map(|range| &range.limits);
        let mut defaults = limits.filter_map(|limits| limits.default.get(key));
        let first = defaults.next()?;
        defaults.all(|other| other == first).then_some(first)
    }

    /// The quotas of the namespace, by name.
    pub fn quotas(&self) -> Option<&'a [Quota]> {
        self.listed(Fact::ResourceQuota, |namespace| &namespace.quotas)
    }

    /// The names of the service accounts of the namespace.
    pub fn service_accounts(&self) -> Option<&'a BTreeSet<String>> {
        self.is_used(Fact::ServiceAccount).then_some(())?;
        let names = &self.facts.namespaces.get(self.namespace)?.service_accounts;
        // Every namespace has an account, so nothing is known of one without.
        Some(names).filter(|names| !names.is_empty())
    }

    /// Kueue's LocalQueues of the namespace, by name.
    pub fn local_queues(&self) -> Option<&'a BTreeMap<String, LocalQueue>> {
        static NONE: BTreeMap<String, LocalQueue> = BTreeMap::new();
        self.is_used(Fact::LocalQueue).then_some(())?;
        let namespace = self.facts.namespaces.get(self.namespace);
        match namespace.map(|namespace| &namespace.local_queues) {
            Some(queues) if !queues.is_empty() => Some(queues),
            _ => (!self.is_partial(Fact::LocalQueue)).then_some(&NONE),
        }
    }

    /// Kueue's ClusterQueues, by name.
    pub fn cluster_queues(&self) -> Option<&'a BTreeMap<String, ClusterQueue>> {
        self.is_used(Fact::ClusterQueue).then_some(&self.facts.cluster_queues)
    }

    /// The names of Kueue's priority classes.
    pub fn workload_priority_classes(&self) -> Option<&'a BTreeSet<String>> {
        self.is_used(Fact::WorkloadPriorityClass)
            .then_some(&self.facts.workload_priority_classes)
    }

    /// The labels of the namespace for Pod Security.
    pub fn labels(&self) -> Option<&'a BTreeMap<String, String>> {
        self.is_used(Fact::Namespace).then_some(())?;
        self.facts.namespaces.get(self.namespace)?.labels.as_ref()
    }

    /// The priority classes, by name.
    pub fn priority_classes(&self) -> Option<&'a BTreeMap<String, PriorityClass>> {
        self.is_used(Fact::PriorityClass)
            .then_some(&self.facts.priority_classes)
    }

    /// The runtime classes, by name.
    pub fn runtime_classes(&self) -> Option<&'a BTreeMap<String, RuntimeClass>> {
        self.is_used(Fact::RuntimeClass).then_some(&self.facts.runtime_classes)
    }

    /// The nodes.
    pub fn places(&self) -> Option<&'a Places> {
        self.is_used(Fact::Node).then_some(&self.facts.places)
    }

    /// Whether a device class may stand for an extended resource: Kubernetes has that since 1.34.
    pub fn may_be_claimed(&self) -> bool {
        self.minor().is_none_or(|minor| minor >= 34)
    }

    /// Karpenter's NodePools, by name.
    pub fn node_pools(&self) -> Option<&'a BTreeMap<String, NodePool>> {
        self.is_used(Fact::NodePool).then_some(&self.facts.node_pools)
    }

    /// The node groups of the cluster-autoscaler; none if it does not run.
    pub fn autoscaler_groups(&self) -> Option<&'a [Group]> {
        self.is_used(Fact::AutoscalerStatus).then_some(self.facts.autoscaler_groups.as_slice())
    }

    /// The volume claims of the namespace and their access modes, by name.
    pub fn volume_claims(&self) -> Option<&'a BTreeMap<String, Vec<String>>> {
        static NONE: BTreeMap<String, Vec<String>> = BTreeMap::new();
        self.is_used(Fact::VolumeClaim).then_some(())?;
        let namespace = self.facts.namespaces.get(self.namespace);
        match namespace.map(|namespace| &namespace.volume_claims) {
            Some(claims) if !claims.is_empty() => Some(claims),
            _ => (!self.is_partial(Fact::VolumeClaim)).then_some(&NONE),
        }
    }

    /// Whether a kind was read so recently that a missing name is missing now.
    pub fn is_recent(&self, fact: Fact) -> bool {
        self.facts.is_timeless || self.facts.age(fact, self.now).is_some_and(|age| age <= RECENT)
    }

    fn is_used(&self, fact: Fact) -> bool {
        self.facts.unused(fact, self.now).is_none()
    }

    fn listed<T>(&self, fact: Fact, list: fn(&Namespace) -> &Vec<T>) -> Option<&'a [T]> {
        self.is_used(fact).then_some(())?;
        match self.facts.namespaces.get(self.namespace).map(list) {
            Some(found) if !found.is_empty() => Some(found),
            _ => (!self.is_partial(fact)).then_some(&[]),
        }
    }

    /// Whether objects of a kind may be missing in namespaces that have none.
    fn is_partial(&self, fact: Fact) -> bool {
        matches!(self.facts.state(fact), Some(State::Known { is_partial: true, .. }))
    }
}
