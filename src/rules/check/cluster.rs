//! RG8xx: what this cluster cannot run, by the facts that are known of it.
//!
//! Every check asks [`Known`](crate::facts::Known), and finds nothing where the answer is unknown. Of a pod, the checks see
//! what the API server sees: see `admitted`. Those that look at the pods of this cluster find nothing of an object that runs in
//! another one (`Workload::runs_elsewhere`); RG806, RG809 and RG814 do, because Kueue reads the same facts here.

mod admitted;
pub mod claims;
mod fit;
pub mod late_labels;
pub mod limit_range;
pub mod local_queue;
mod missing;
pub mod namespace_level;
pub mod node_labels;
pub mod node_taints;
pub mod pod_devices;
mod pod_sets;
pub mod pod_size;
pub mod priority_class;
pub mod queue_flavors;
pub mod queue_quota;
pub mod quota;
pub mod room;
pub mod runtime_class;
pub mod selected_cluster;
pub mod service_account;
pub mod volume_claim;
pub mod workload_priority_class;

pub use fit::placements;

use crate::facts::Fact;
use crate::rules::Check;

/// The kinds of facts without which a check of this family finds nothing.
pub static NEEDS: &[(&Check, &[Fact])] = &[
    (&node_labels::CHECK, &[Fact::Node]),
    (&pod_size::CHECK, &[Fact::Node]),
    (&pod_devices::CHECK, &[Fact::Node]),
    (&node_taints::CHECK, &[Fact::Node]),
    (&room::CHECK, &[Fact::Node, Fact::NodePool]),
    (&limit_range::CHECK, &[Fact::LimitRange]),
    (&quota::CHECK, &[Fact::ResourceQuota]),
    (&namespace_level::CHECK, &[Fact::Namespace]),
    (&priority_class::CHECK, &[Fact::PriorityClass]),
    (&service_account::CHECK, &[Fact::ServiceAccount]),
    (&volume_claim::CHECK, &[Fact::VolumeClaim]),
    (&runtime_class::CHECK, &[Fact::RuntimeClass]),
    (&local_queue::CHECK, &[Fact::LocalQueue]),
    (&queue_quota::CHECK, &[Fact::LocalQueue, Fact::ClusterQueue]),
    (
        &queue_flavors::CHECK,
        &[Fact::LocalQueue, Fact::ClusterQueue, Fact::ResourceFlavor],
    ),
    (&claims::CHECK, &[Fact::ResourceClaimTemplate, Fact::ResourceClaim]),
    (&selected_cluster::CHECK, &[Fact::RayCluster]),
    (&late_labels::CHECK, &[Fact::Node, Fact::NodePool]),
    (&workload_priority_class::CHECK, &[Fact::WorkloadPriorityClass]),
];

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &node_labels::CHECK,
    &pod_size::CHECK,
    &pod_devices::CHECK,
    &node_taints::CHECK,
    &room::CHECK,
    &limit_range::CHECK,
    &quota::CHECK,
    &namespace_level::CHECK,
    &priority_class::CHECK,
    &service_account::CHECK,
    &volume_claim::CHECK,
    &runtime_class::CHECK,
    &local_queue::CHECK,
    &queue_quota::CHECK,
    &queue_flavors::CHECK,
    &claims::CHECK,
    &selected_cluster::CHECK,
    &late_labels::CHECK,
    &workload_priority_class::CHECK,
];
