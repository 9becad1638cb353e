//! What is kept of an object that is a fact.

use serde_json::{Map, Value};

use super::fact::Fact;

/// The fields of an object that facts need, in the same shape. Everything else, such as annotations and status, is left out.
pub fn kept(fact: Fact, object: &Value) -> Value {
    let mut metadata = copied(object.get("metadata"), &["namespace", "name"]);
    if fact == Fact::Namespace {
        metadata.extend(copied(object.get("metadata"), &["labels"]));
    }
    if fact == Fact::Node {
        metadata = copied(object.get("metadata"), &["name", "labels"]);
    }
    let fields: &[&str] = match fact {
        Fact::Namespace
        | Fact::ServiceAccount
        | Fact::WorkloadPriorityClass
        | Fact::ResourceClaim
        | Fact::RayCluster => &[],
        Fact::LimitRange
        | Fact::ResourceQuota
        | Fact::LocalQueue
        | Fact::ClusterQueue
        | Fact::ResourceFlavor
        | Fact::Cohort
        | Fact::DeviceClass
        | Fact::ResourceClaimTemplate => &["spec"],
        Fact::PriorityClass => &["globalDefault"],
        Fact::RuntimeClass => &["overhead"],
        Fact::NodePool => &["spec"],
        Fact::Node | Fact::AutoscalerStatus | Fact::VolumeClaim => &[],
    };
    let mut kept = copied(Some(object), fields);
    let inner: Option<(&str, &[&str])> = match fact {
        Fact::Node => Some(("status", &["allocatable", "capacity"])),
        Fact::AutoscalerStatus => Some(("data", &["status"])),
        Fact::VolumeClaim => Some(("spec", &["accessModes"])),
        _ => None,
    };
    if let Some((key, keys)) = inner {
        kept.insert(key.to_owned(), copied(object.get(key), keys).into());
    }
    if fact == Fact::Node {
        kept.insert("spec".to_owned(), copied(object.get("spec"), &["taints"]).into());
    }
    kept.insert("metadata".to_owned(), metadata.into());
    kept.into()
}

fn copied(from: Option<&Value>, keys: &[&str]) -> Map<String, Value> {
    let value = |key: &&str| Some(((*key).to_owned(), from?.get(*key)?.clone()));
    keys.iter().filter_map(value).collect()
}
