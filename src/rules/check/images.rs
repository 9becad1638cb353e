//! RG6xx: pod security and images.

pub mod allowed;
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
pub mod verified_account;

use crate::ray::job::Slot;
use crate::ray::job::text;
use crate::ray::{Container, Pod};
use crate::rules::Check;

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
];

/// The image of a container, empty where it has none.
fn image<'a>(container: &Container<'a>) -> &'a str {
    text(container.value, "image").unwrap_or_default()
}

/// How a Flyte task says which image a container runs: that of the Ray container is the task's.
fn flyte_setting(pod: &Pod<'_>, container: &Container<'_>) -> String {
    if container.index == 0 && container.slot == Slot::Main {
        "@task(container_image=…)".to_owned()
    } else {
        crate::ray::flyte::setting(pod, "pod_template=PodTemplate(…)")
    }
}
