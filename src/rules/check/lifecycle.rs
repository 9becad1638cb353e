//! RG4xx: times, clean-up and cost.

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[];
