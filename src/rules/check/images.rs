//! RG6xx: pod security and images.

pub mod host_namespaces;
pub mod host_network;
pub mod host_path;
pub mod privileged;
pub mod service_account;

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &host_network::CHECK,
    &host_path::CHECK,
    &privileged::CHECK,
    &host_namespaces::CHECK,
    &service_account::CHECK,
];
