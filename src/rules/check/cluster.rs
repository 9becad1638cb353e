//! RG8xx: what this cluster cannot run, by the facts that are known of it.
//!
//! Every check asks [`Known`](crate::facts::Known), and finds nothing where the answer is unknown. Of a pod, the checks see
//! what the API server sees: see `admitted`.

mod admitted;
pub mod claims;
pub mod limit_range;
pub mod local_queue;
mod missing;
pub mod namespace_level;
mod pod_sets;
pub mod priority_class;
pub mod queue_flavors;
pub mod queue_quota;
pub mod quota;
pub mod runtime_class;
pub mod selected_cluster;
pub mod service_account;
pub mod workload_priority_class;

use crate::facts::Fact;
use crate::rules::Check;

/// The kinds of facts without which a check of this family finds nothing.
pub static NEEDS: &[(&Check, &[Fact])] = &[
    (&limit_range::CHECK, &[Fact::LimitRange]),
    (&quota::CHECK, &[Fact::ResourceQuota]),
    (&namespace_level::CHECK, &[Fact::Namespace]),
    (&priority_class::CHECK, &[Fact::PriorityClass]),
    (&service_account::CHECK, &[Fact::ServiceAccount]),
    (&runtime_class::CHECK, &[Fact::RuntimeClass]),
    (&local_queue::CHECK, &[Fact::LocalQueue]),
    (&queue_quota::CHECK, &[Fact::LocalQueue, Fact::ClusterQueue]),
    (
        &queue_flavors::CHECK,
        &[Fact::LocalQueue, Fact::ClusterQueue, Fact::ResourceFlavor],
    ),
    (&claims::CHECK, &[Fact::ResourceClaimTemplate, Fact::ResourceClaim]),
    (&selected_cluster::CHECK, &[Fact::RayCluster]),
    (&workload_priority_class::CHECK, &[Fact::WorkloadPriorityClass]),
];

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &limit_range::CHECK,
    &quota::CHECK,
    &namespace_level::CHECK,
    &priority_class::CHECK,
    &service_account::CHECK,
    &runtime_class::CHECK,
    &local_queue::CHECK,
    &queue_quota::CHECK,
    &queue_flavors::CHECK,
    &claims::CHECK,
    &selected_cluster::CHECK,
    &workload_priority_class::CHECK,
];
