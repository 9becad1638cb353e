//! The snapshot itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::autoscale::{Group, NodePool};
use super::ceilings::Ceilings;
use super::fact::Fact;
use super::kueue::{ClusterQueue, Cohort, LocalQueue, ResourceFlavor};
use super::nodes::Shape;
use super::objects::{ClaimTemplate, DeviceClass, LimitRange, PriorityClass, Quota, RuntimeClass};
use super::places::Places;

/// The age, in seconds, above which a fact is not used.
pub const MAX_AGE: i64 = 300;

/// How many seconds ahead a time may be, because clocks differ.
const MAX_AHEAD: i64 = 60;

/// The API version of a file with facts.
pub const API_VERSION: &str = "raygate.dev/v1beta1";
/// The kind of a file with facts.
pub const KIND: &str = "ClusterFacts";

/// A snapshot of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The name of the cluster, empty where the file does not say.
    pub cluster: String,
    /// The version of the API server, such as `v1.37.2`; empty where it is unknown.
    pub kubernetes: String,
    /// The SHA-256 over all facts without their times, in hexadecimal; empty where there are no facts.
    pub digest: String,
    pub(super) states: BTreeMap<Fact, State>,
    pub(super) namespaces: BTreeMap<String, Namespace>,
    pub(super) priority_classes: BTreeMap<String, PriorityClass>,
    pub(super) runtime_classes: BTreeMap<String, RuntimeClass>,
    pub(super) cluster_queues: BTreeMap<String, ClusterQueue>,
    pub(super) workload_priority_classes: BTreeSet<String>,
    pub(super) places: Places,
    pub(super) node_pools: BTreeMap<String, NodePool>,
    pub(super) autoscaler_groups: Vec<Group>,
    pub(super) resource_flavors: BTreeMap<String, ResourceFlavor>,
    pub(super) cohorts: BTreeMap<String, Cohort>,
    pub(super) device_classes: BTreeMap<String, DeviceClass>,
    /// What the ClusterQueues can give at most.
    pub(super) ceilings: BTreeMap<String, Ceilings>,
    pub(super) is_timeless: bool,
}

/// What is known of a kind of fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The objects of this kind are known.
    Known {
        /// When they were read; `None` where nobody says, as in a List.
        read_at: Option<Timestamp>,
        /// Whether objects may be missing in namespaces that have none here, as in a List.
        is_partial: bool,
    },
    /// Nothing is known, for this reason.
    Unknown(String),
}

/// What is known of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespace {
    /// Its labels; `None` where the namespace itself is unknown.
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) limit_ranges: Vec<LimitRange>,
    pub(super) quotas: Vec<Quota>,
    pub(super) service_accounts: BTreeSet<String>,
    pub(super) local_queues: BTreeMap<String, LocalQueue>,
    /// The volume claims, with their access modes.
    pub(super) volume_claims: BTreeMap<String, Vec<String>>,
    pub(super) claim_templates: BTreeMap<String, ClaimTemplate>,
    pub(super) claims: BTreeSet<String>,
    pub(super) ray_clusters: BTreeSet<String>,
}

/// Of a cluster of which nothing is known.
pub(super) static NOTHING: LazyLock<Arc<Facts>> = LazyLock::new(Arc::default);

impl Facts {
    /// The facts where there are none: every kind is unknown.
    pub fn none() -> Arc<Facts> {
        Arc::clone(&NOTHING)
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        !self.states.values().any(|state| matches!(state, State::Known { .. }))
    }

    /// The facts as of the time at which they were read: they never become too old. For commands, whose user chooses the
    /// file.
    #[must_use]
    pub fn timeless(mut self) -> Facts {
        self.is_timeless = true;
        self
    }

    /// The facts with this time where they lack one.
    #[must_use]
    pub fn read_at(mut self, time: Timestamp) -> Facts {
        for state in self.states.values_mut() {
            if let State::Known { read_at, .. } = state {
                read_at.get_or_insert(time);
            }
        }
        self
    }

    /// What is known of a kind of fact; `None` where the file does not name it.
    pub fn state(&self, fact: Fact) -> Option<&State> {
        self.states.get(&fact)
    }

    /// The seconds since a kind of fact was read, at least 0; `None` where that is unknown. Clocks may differ by a minute.
    pub fn age(&self, fact: Fact, now: Timestamp) -> Option<i64> {
        match self.states.get(&fact)? {
            State::Known { read_at, .. } => {
                let age = now.as_second().saturating_sub((*read_at)?.as_second());
                (age >= -MAX_AHEAD).then_some(age.max(0))
            }
            State::Unknown(_) => None,
        }
    }

    /// Why a kind of fact is not used now; `None` if it is.
    pub fn unused(&self, fact: Fact, now: Timestamp) -> Option<String> {
        match self.states.get(&fact) {
            None => Some("not read".to_owned()),
            Some(State::Unknown(reason)) => Some(reason.clone()),
            Some(State::Known { .. }) if self.is_timeless => None,
            Some(State::Known { .. }) => match self.age(fact, now) {
                None => Some("the file does not say when it was read, or names a time in the future".to_owned()),
                Some(age) if age > MAX_AGE => Some(format!("read {age} s ago, which is too old")),
                Some(_) => None,
            },
        }
    }

    /// The nodes, folded into shapes.
    pub fn nodes(&self) -> &[Shape] {
        self.places.shapes()
    }

    /// Karpenter's NodePools, by name.
    pub fn node_pools(&self) -> &BTreeMap<String, NodePool> {
        &self.node_pools
    }

    /// Kueue's ClusterQueues, by name.
    pub fn cluster_queues(&self) -> &BTreeMap<String, ClusterQueue> {
        &self.cluster_queues
    }

    /// Kueue's ResourceFlavors, by name.
    pub fn resource_flavors(&self) -> &BTreeMap<String, ResourceFlavor> {
        &self.resource_flavors
    }

    /// The most that each ClusterQueue can ever give.
    pub fn ceilings(&self) -> &BTreeMap<String, Ceilings> {
        &self.ceilings
    }

    /// Kueue's LocalQueues, each with its namespace and its name.
    pub fn local_queues(&self) -> impl Iterator<Item = (&str, &str, &LocalQueue)> {
        self.namespaces.iter().flat_map(|(namespace, known)| {
            let queues = known.local_queues.iter();
            queues.map(move |(name, queue)| (namespace.as_str(), name.as_str(), queue))
        })
    }

    /// The service accounts, each with its namespace.
    pub fn service_accounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.namespaces.iter().flat_map(|(namespace, known)| {
            let names = known.service_accounts.iter();
            names.map(move |name| (namespace.as_str(), name.as_str()))
        })
    }

    /// The minor version of the API server, where it is known: 37.
    pub fn minor(&self) -> Option<u8> {
        let minor = self.kubernetes.strip_prefix("v1.")?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        minor.get(..digits)?.parse().ok()
    }
}
