//! RG1xx: what KubeRay itself refuses, after the RayJob exists. A code ends in the number of its rule in KubeRay's
//! `validation.go`, as this project counts them: names, lifecycle, groups.

pub mod groups;
pub mod lifecycle;
pub mod names;

use crate::rules::Check;

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &names::NAME_TOO_LONG,
    &names::NAME_FORM,
    &lifecycle::TTL_WITHOUT_SHUTDOWN,
    &groups::HEAD_WITHOUT_CONTAINERS,
    &groups::WORKERS_WITHOUT_CONTAINERS,
    &groups::MIN_ABOVE_MAX,
];
