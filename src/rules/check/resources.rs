//! RG2xx: CPU, memory and device quantities.

pub mod bad_quantity;
pub mod below_minimum;
pub mod cpu_without_limit;
pub mod gpu_request_unlike_limit;
pub mod gpu_request_without_limit;
pub mod group_resource_unreadable;
pub mod group_resources_above;
pub mod helper_memory;
pub mod limit_below_request;
pub mod max_cpus;
pub mod max_memory;
pub mod memory_above;
pub mod no_memory_limit;
pub mod no_request;
pub mod num_cpus_above;
pub mod platform_default;
pub mod start_number;
pub mod tiny_memory;
mod words;

use crate::rules::Check;
pub(super) use words::{is_exact, named, over_budget, place, setting};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &gpu_request_without_limit::CHECK,
    &gpu_request_unlike_limit::CHECK,
    &limit_below_request::CHECK,
    &no_memory_limit::CHECK,
    &bad_quantity::CHECK,
    &platform_default::CHECK,
    &below_minimum::CHECK,
    &no_request::CHECK,
    &cpu_without_limit::CHECK,
    &start_number::CHECK,
    &num_cpus_above::CHECK,
    &memory_above::CHECK,
    &max_cpus::CHECK,
    &max_memory::CHECK,
    &group_resources_above::CHECK,
    &group_resource_unreadable::CHECK,
    &tiny_memory::CHECK,
    &helper_memory::CHECK,
];
