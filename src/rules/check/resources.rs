//! RG2xx: CPU, memory and device quantities.

pub mod bad_quantity;
pub mod below_minimum;
pub mod gpu_request_unlike_limit;
pub mod gpu_request_without_limit;
pub mod limit_below_request;
pub mod no_memory_limit;
pub mod platform_default;

use crate::ray::job::{Container, Pod};
use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &gpu_request_without_limit::CHECK,
    &gpu_request_unlike_limit::CHECK,
    &limit_below_request::CHECK,
    &no_memory_limit::CHECK,
    &bad_quantity::CHECK,
    &platform_default::CHECK,
    &below_minimum::CHECK,
];

/// How a message speaks of a container: by its pod alone where it is the Ray container.
fn place(pod: &Pod<'_>, container: &Container<'_>) -> String {
    if !container.init && container.index == 0 {
        return pod.title();
    }
    let kind = if container.init { "init container" } else { "container" };
    format!("{}, {kind} {}", pod.title(), crate::k8s::text::quoted(container.name))
}
