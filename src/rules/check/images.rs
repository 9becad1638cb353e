//! RG6xx: pod security and images.

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[];
