//! Kueue's queues, flavors and cohorts: what is read of each, and how it is written again (Kueue 0.19, `apis/kueue`, of
//! which `v1beta1` and `v1beta2` name the parents differently).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::json::Json;
use crate::k8s::json::{child, given, items, text};
use crate::k8s::quantity::Quantity;
use crate::k8s::selector::{Selector, labels};
use crate::k8s::toleration::Taint;

/// A LocalQueue of Kueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalQueue {
    /// The name of the ClusterQueue that it leads to.
    pub cluster_queue: String,
    /// Whether it admits nothing: its `stopPolicy` is `Hold` or `HoldAndDrain`.
    pub is_stopped: bool,
}

/// A ClusterQueue of Kueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterQueue {
    /// Whether it admits nothing: its `stopPolicy` is `Hold` or `HoldAndDrain`.
    pub is_stopped: bool,
    /// The namespaces that it takes, by their labels; `None` takes none.
    pub namespaces: Option<Selector>,
    /// Its cohort; empty where it has none.
    pub cohort: String,
    /// Its quotas.
    pub groups: Vec<ResourceGroup>,
}

/// A Cohort of Kueue. A cohort that only ClusterQueues name has no object, no parent and no quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// Its parent; empty where it has none.
    pub parent: String,
    /// The quotas that its queues may borrow.
    pub groups: Vec<ResourceGroup>,
}

/// Resources that a pod gets from one flavor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceGroup {
    /// The names of the resources.
    pub resources: Vec<String>,
    /// The flavors, in the order in which Kueue tries them.
    pub flavors: Vec<FlavorQuotas>,
}

/// The quotas of a flavor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlavorQuotas {
    /// The name of the ResourceFlavor.
    pub flavor: String,
    /// The quota of each resource.
    pub quotas: BTreeMap<String, Share>,
}

/// A quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What the queue has itself.
    pub nominal: Quantity,
    /// The most that it borrows of its cohort.
    pub borrowing: Option<Quantity>,
    /// The most that it lends to its cohort.
    pub lending: Option<Quantity>,
}

/// A ResourceFlavor of Kueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceFlavor {
    /// The labels that its nodes have.
    pub labels: BTreeMap<String, String>,
    /// The taints that its nodes have.
    pub taints: Vec<Taint>,
    /// The tolerations that Kueue adds to pods of it.
    pub tolerations: Vec<Value>,
}

/// The `stopPolicy` of a queue that admits nothing.
const HOLD: &str = "Hold";

fn is_stopped(spec: Json<'_>) -> bool {
    text(spec, "stopPolicy").is_some_and(|policy| policy != "None" && !policy.is_empty())
}

/// The first of two fields that is there. Versions of the API spell it differently.
fn either(spec: Json<'_>, newer: &str, older: &str) -> String {
    text(spec, newer)
        .or_else(|| text(spec, older))
        .unwrap_or_default()
        .to_owned()
}

fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    if !is_empty {
        object.insert(key.to_owned(), value);
    }
}

impl LocalQueue {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(object: Json<'_>) -> Option<LocalQueue> {
        let spec = child(object, "spec");
        Some(LocalQueue {
            cluster_queue: text(spec, "clusterQueue")?.to_owned(),
            is_stopped: is_stopped(spec),
        })
    }

    pub(super) fn spec(&self) -> Value {
        match self.is_stopped {
            true => json!({"clusterQueue": self.cluster_queue, "stopPolicy": HOLD}),
            false => json!({"clusterQueue": self.cluster_queue}),
        }
    }
}

impl ClusterQueue {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(object: Json<'_>) -> Option<ClusterQueue> {
        let spec = child(object, "spec");
        let namespaces = match given(spec, "namespaceSelector") {
            Some(selector) => Some(Selector::read(selector)?),
            None => None,
        };
        Some(ClusterQueue {
            is_stopped: is_stopped(spec),
            namespaces,
            cohort: either(spec, "cohortName", "cohort"),
            groups: groups(spec)?,
        })
    }

    pub(super) fn spec(&self) -> Value {
        let mut spec = Map::new();
        if self.is_stopped {
            spec.insert("stopPolicy".to_owned(), HOLD.into());
        }
        if let Some(selector) = &self.namespaces {
            spec.insert("namespaceSelector".to_owned(), selector.written());
        }
        put(&mut spec, "cohortName", self.cohort.clone().into());
        put(&mut spec, "resourceGroups", written(&self.groups));
        spec.into()
    }
}

impl Cohort {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(object: Json<'_>) -> Option<Cohort> {
        let spec = child(object, "spec");
        Some(Cohort {
            parent: either(spec, "parentName", "parent"),
            groups: groups(spec)?,
        })
    }

    pub(super) fn spec(&self) -> Value {
        let mut spec = Map::new();
        put(&mut spec, "parentName", self.parent.clone().into());
        put(&mut spec, "resourceGroups", written(&self.groups));
        spec.into()
    }
}

fn groups(spec: Json<'_>) -> Option<Vec<ResourceGroup>> {
    let groups = items(spec, "resourceGroups").iter();
    groups.map(ResourceGroup::read).collect()
}

fn written(groups: &[ResourceGroup]) -> Value {
    groups.iter().map(ResourceGroup::written).collect()
}

impl ResourceGroup {
    fn read(value: Json<'_>) -> Option<ResourceGroup> {
        let resources = items(value, "coveredResources").iter();
        let flavors = items(value, "flavors").iter();
        Some(ResourceGroup {
            resources: resources
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            flavors: flavors.map(FlavorQuotas::read).collect::<Option<_>>()?,
        })
    }

    fn written(&self) -> Value {
        let flavors: Vec<Value> = self.flavors.iter().map(FlavorQuotas::written).collect();
        json!({"coveredResources": self.resources, "flavors": flavors})
    }
}

impl FlavorQuotas {
    fn read(value: Json<'_>) -> Option<FlavorQuotas> {
        let quotas = items(value, "resources").iter();
        let quota = |value| Some((text(value, "name")?.to_owned(), Share::read(value)?));
        Some(FlavorQuotas {
            flavor: text(value, "name")?.to_owned(),
            quotas: quotas.map(quota).collect::<Option<_>>()?,
        })
    }

    fn written(&self) -> Value {
        let resources: Vec<Value> = self.quotas.iter().map(|(name, share)| share.written(name)).collect();
        json!({"name": self.flavor, "resources": resources})
    }
}

impl Share {
    fn read(value: Json<'_>) -> Option<Share> {
        let limit = |key| match given(value, key) {
            None => Some(None),
            Some(limit) => Quantity::from_json(limit).ok().map(Some),
        };
        Some(Share {
            nominal: match given(value, "nominalQuota") {
                Some(nominal) => Quantity::from_json(nominal).ok()?,
                None => Quantity::ZERO,
            },
            borrowing: limit("borrowingLimit")?,
            lending: limit("lendingLimit")?,
        })
    }

    fn written(&self, name: &str) -> Value {
        let mut quota = Map::new();
        quota.insert("name".to_owned(), name.into());
        quota.insert("nominalQuota".to_owned(), self.nominal.to_string().into());
        for (key, limit) in [("borrowingLimit", &self.borrowing), ("lendingLimit", &self.lending)] {
            if let Some(limit) = limit {
                quota.insert(key.to_owned(), limit.to_string().into());
            }
        }
        quota.into()
    }
}

impl ResourceFlavor {
    /// Reads one; `None` if that cannot be.
    pub(super) fn read(object: Json<'_>) -> Option<ResourceFlavor> {
        let spec = child(object, "spec");
        let taints = items(spec, "nodeTaints").iter();
        let tolerations = items(spec, "tolerations").iter();
        Some(ResourceFlavor {
            labels: labels(spec, "nodeLabels")?,
            taints: taints.map(Taint::read).collect::<Option<_>>()?,
            tolerations: tolerations.map(Json::to_value).collect(),
        })
    }

    pub(super) fn spec(&self) -> Value {
        let taint = |taint: &Taint| match taint.value.as_str() {
            "" => json!({"key": taint.key, "effect": taint.effect}),
            value => json!({"key": taint.key, "value": value, "effect": taint.effect}),
        };
        let mut spec = Map::new();
        put(&mut spec, "nodeLabels", json!(self.labels));
        put(&mut spec, "nodeTaints", self.taints.iter().map(taint).collect());
        put(&mut spec, "tolerations", self.tolerations.clone().into());
        spec.into()
    }
}
