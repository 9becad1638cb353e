//! RG4xx: times, clean-up and cost.

pub mod active_deadline;
pub mod backoff_limit;
mod deadline;
pub mod deletion_delay;
pub mod flyte_retries;
pub mod kept_for_ever;
pub mod leaking_rules;
pub mod no_deadline;
pub mod pre_running_deadline;
pub mod ttl;

use crate::rules::Check;
use deadline::{deadline, default_of};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &ttl::CHECK,
    &active_deadline::CHECK,
    &pre_running_deadline::CHECK,
    &backoff_limit::CHECK,
    &no_deadline::CHECK,
    &flyte_retries::CHECK,
    &leaking_rules::CHECK,
    &kept_for_ever::CHECK,
    &deletion_delay::CHECK,
];
