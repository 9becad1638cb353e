//! RG6xx: pod security and images.

pub mod allowed;
pub mod architecture;
mod container;
pub mod differing;
pub mod direct_volume;
pub mod host_namespaces;
pub mod host_network;
pub mod host_path;
pub mod malformed;
pub mod node_name;
pub mod pod_security;
pub mod privileged;
pub mod probe_hosts;
pub mod ray_version;
pub mod service_account;
pub mod submitter_pull_secret;
pub mod verified_account;

use crate::rules::Check;
use container::{flyte_setting, image};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &allowed::CHECK,
    &malformed::CHECK,
    &differing::CHECK,
    &host_network::CHECK,
    &host_path::CHECK,
    &privileged::CHECK,
    &host_namespaces::CHECK,
    &ray_version::CHECK,
    &service_account::CHECK,
    &verified_account::CHECK,
    &pod_security::CHECK,
    &node_name::CHECK,
    &direct_volume::CHECK,
    &probe_hosts::CHECK,
    &submitter_pull_secret::CHECK,
    &architecture::CHECK,
];
