//! RG7xx: Flyte, submission and the systems that schedule.

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[];
