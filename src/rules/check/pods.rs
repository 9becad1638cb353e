//! RG9xx: pods that the API server rejects when KubeRay creates them.
//!
//! RG900 is not a check: it is what the API server itself says, if `raygate check --server-dry-run` asks it.

pub mod affinity;
pub mod container_names;
pub mod dns;
pub mod env;
pub mod ephemeral_containers;
mod fault;
pub mod gates;
mod handler;
pub mod head_service;
pub mod host_ports;
pub mod host_users;
pub mod labels;
pub mod lifecycle;
pub mod mount_paths;
pub mod mounts;
pub mod node_selector;
pub mod object_names;
pub mod pod_deadlines;
mod port;
pub mod ports;
pub mod probes;
pub mod resource_claims;
pub mod restart_policies;
pub mod security_contexts;
mod selector;
mod source;
pub mod spelling;
pub mod submitter_retries;
pub mod tolerations;
pub mod topology_spread;
pub mod volume_fields;
pub mod volume_names;
pub mod volume_sources;

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &mounts::CHECK,
    &mount_paths::CHECK,
    &volume_names::CHECK,
    &volume_sources::CHECK,
    &volume_fields::CHECK,
    &container_names::CHECK,
    &ports::CHECK,
    &env::CHECK,
    &probes::CHECK,
    &lifecycle::CHECK,
    &tolerations::CHECK,
    &node_selector::CHECK,
    &labels::CHECK,
    &affinity::CHECK,
    &topology_spread::CHECK,
    &restart_policies::CHECK,
    &object_names::CHECK,
    &resource_claims::CHECK,
    &security_contexts::CHECK,
    &host_ports::CHECK,
    &dns::CHECK,
    &spelling::CHECK,
    &pod_deadlines::CHECK,
    &gates::CHECK,
    &ephemeral_containers::CHECK,
    &host_users::CHECK,
    &head_service::CHECK,
    &submitter_retries::CHECK,
];
