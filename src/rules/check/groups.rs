//! RG5xx: worker groups, autoscaling and the order of containers.

pub mod container_order;
pub mod group_name;

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[&group_name::CHECK, &container_order::CHECK];
