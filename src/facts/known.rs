//! What a rule may ask of facts: what is unknown or too old is not there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::k8s::quantity::Quantity;

use super::autoscale::{Group, NodePool};
use super::ceilings::Ceilings;
use super::fact::Fact;
use super::kueue::{ClusterQueue, LocalQueue, ResourceFlavor};
use super::objects::{ClaimTemplate, DeviceClass, LimitRange, PriorityClass, Quota, RuntimeClass};
use super::places::Places;
use super::set::{Facts, NOTHING, Namespace, State};

/// The age, in seconds, up to which a name that is missing may deny: later, somebody may have created it since.
pub const RECENT: i64 = 60;

static NO_NAMES: BTreeSet<String> = BTreeSet::new();

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
        self.named(
            Fact::LocalQueue,
            |namespace| &namespace.local_queues,
            BTreeMap::is_empty,
            &NONE,
        )
    }

    /// The templates of resource claims of the namespace, by name.
    pub fn claim_templates(&self) -> Option<&'a BTreeMap<String, ClaimTemplate>> {
        static NONE: BTreeMap<String, ClaimTemplate> = BTreeMap::new();
        let fact = Fact::ResourceClaimTemplate;
        self.named(fact, |namespace| &namespace.claim_templates, BTreeMap::is_empty, &NONE)
    }

    /// The names of the resource claims of the namespace.
    pub fn claims(&self) -> Option<&'a BTreeSet<String>> {
        self.named(
            Fact::ResourceClaim,
            |namespace| &namespace.claims,
            BTreeSet::is_empty,
            &NO_NAMES,
        )
    }

    /// The names of the RayClusters of the namespace.
    pub fn ray_clusters(&self) -> Option<&'a BTreeSet<String>> {
        self.named(
            Fact::RayCluster,
            |namespace| &namespace.ray_clusters,
            BTreeSet::is_empty,
            &NO_NAMES,
        )
    }

    /// The device classes, by name.
    pub fn device_classes(&self) -> Option<&'a BTreeMap<String, DeviceClass>> {
        self.is_used(Fact::DeviceClass).then_some(&self.facts.device_classes)
    }

    /// Whether a device class may stand for a resource of pods, so that the resource itself counts nowhere. Kubernetes has
    /// that since 1.34.
    pub fn may_be_a_device(&self, resource: &str) -> bool {
        match self.device_classes() {
            Some(classes) => {
                let mut named = classes.values().filter_map(|class| class.extended_resource.as_deref());
                named.any(|name| name == resource)
            }
            None => self.minor().is_none_or(|minor| minor >= 34),
        }
    }

    /// Kueue's flavors, by name.
    pub fn resource_flavors(&self) -> Option<&'a BTreeMap<String, ResourceFlavor>> {
        self.is_used(Fact::ResourceFlavor)
            .then_some(&self.facts.resource_flavors)
    }

    /// The most that a ClusterQueue can ever give of each flavor and resource, if nothing else runs.
    pub fn ceilings(&self, queue: &str) -> Option<&'a Ceilings> {
        let has_cohort = !self.cluster_queues()?.get(queue)?.cohort.is_empty();
        if has_cohort && !self.is_used(Fact::Cohort) {
            return None;
        }
        self.facts.ceilings.get(queue)
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

    /// The labels of the namespace.
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

    /// Karpenter's NodePools, by name.
    pub fn node_pools(&self) -> Option<&'a BTreeMap<String, NodePool>> {
        self.is_used(Fact::NodePool).then_some(&self.facts.node_pools)
    }

    /// The node groups of the cluster-autoscaler; none if it does not run.
    pub fn autoscaler_groups(&self) -> Option<&'a [Group]> {
        self.is_used(Fact::AutoscalerStatus)
            .then_some(self.facts.autoscaler_groups.as_slice())
    }

    /// The volume claims of the namespace and their access modes, by name.
    pub fn volume_claims(&self) -> Option<&'a BTreeMap<String, Vec<String>>> {
        static NONE: BTreeMap<String, Vec<String>> = BTreeMap::new();
        self.named(
            Fact::VolumeClaim,
            |namespace| &namespace.volume_claims,
            BTreeMap::is_empty,
            &NONE,
        )
    }

    /// Why a kind of fact says nothing about this namespace now; `None` if it does.
    pub fn unused(&self, fact: Fact) -> Option<String> {
        let why = self.facts.unused(fact, self.now);
        let is_there = match fact {
            Fact::Namespace => self.labels().is_some(),
            Fact::LimitRange => self.limit_ranges().is_some(),
            Fact::ResourceQuota => self.quotas().is_some(),
            Fact::ServiceAccount => self.service_accounts().is_some(),
            Fact::LocalQueue => self.local_queues().is_some(),
            Fact::ResourceClaimTemplate => self.claim_templates().is_some(),
            Fact::ResourceClaim => self.claims().is_some(),
            Fact::RayCluster => self.ray_clusters().is_some(),
            Fact::VolumeClaim => self.volume_claims().is_some(),
            _ => true,
        };
        let missing = || (!is_there).then(|| "the facts have none of this namespace".to_owned());
        why.or_else(missing)
    }

    /// Whether a kind was read so recently that a missing name is missing now.
    pub fn is_recent(&self, fact: Fact) -> bool {
        self.facts.is_timeless || self.facts.age(fact, self.now).is_some_and(|age| age <= RECENT)
    }

    /// Objects of the namespace, by name.
    fn named<T>(
        &self,
        fact: Fact,
        list: fn(&Namespace) -> &T,
        is_empty: fn(&T) -> bool,
        none: &'static T,
    ) -> Option<&'a T> {
        self.is_used(fact).then_some(())?;
        match self.facts.namespaces.get(self.namespace).map(list) {
            Some(found) if !is_empty(found) => Some(found),
            _ => (!self.is_partial(fact)).then_some(none),
        }
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
