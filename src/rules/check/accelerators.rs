//! RG3xx: accelerators and shared memory.

pub mod shm_path;
pub mod submitter_accelerators;

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[&submitter_accelerators::CHECK, &shm_path::CHECK];
