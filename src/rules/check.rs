//! The checks: one table, and for each check a source file with its page beside it.

pub mod accelerators;
pub mod cluster;
mod entry;
pub mod evidence;
pub mod groups;
pub mod images;
pub mod kuberay;
pub mod lifecycle;
pub mod pods;
pub mod resources;
pub mod systems;

pub use entry::{Check, Versions};
pub use evidence::Evidence;

/// The check with this code.
pub fn find(code: &str) -> Option<&'static Check> {
    all().find(|check| check.code == code)
}

/// A family of checks: those whose codes begin alike.
#[derive(Debug)]
pub struct Family {
    /// How the codes begin: `RG2`.
    pub prefix: &'static str,
    /// What the family is about.
    pub title: &'static str,
    /// Why no Exemption waives its checks, if none does.
    pub never_waived: Option<&'static str>,
    /// Its checks, in the order of their codes.
    pub checks: &'static [&'static Check],
}

/// The families, in the order of their codes.
pub static FAMILIES: &[Family] = &[
    Family {
        prefix: "RG1",
        title: "what KubeRay would refuse",
        never_waived: Some("KubeRay itself refuses what it finds"),
        checks: kuberay::CHECKS,
    },
    Family {
        prefix: "RG2",
        title: "CPU, memory and device quantities",
        never_waived: None,
        checks: resources::CHECKS,
    },
    Family {
        prefix: "RG3",
        title: "accelerators and shared memory",
        never_waived: None,
        checks: accelerators::CHECKS,
    },
    Family {
        prefix: "RG4",
        title: "times, clean-up and cost",
        never_waived: None,
        checks: lifecycle::CHECKS,
    },
    Family {
        prefix: "RG5",
        title: "worker groups, start parameters and containers",
        never_waived: None,
        checks: groups::CHECKS,
    },
    Family {
        prefix: "RG6",
        title: "pod security and images",
        never_waived: None,
        checks: images::CHECKS,
    },
    Family {
        prefix: "RG7",
        title: "Flyte, submission and scheduling systems",
        never_waived: None,
        checks: systems::CHECKS,
    },
    Family {
        prefix: "RG8",
        title: "what this cluster cannot run",
        never_waived: None,
        checks: cluster::CHECKS,
    },
    Family {
        prefix: "RG9",
        title: "pods that the API server rejects",
        never_waived: Some("the API server itself rejects what it finds"),
        checks: pods::CHECKS,
    },
];

/// All checks, in the order of their codes.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|family| family.checks.iter().copied())
}

/// The checks that repair, in the order in which their repairs are applied: the Ray container first, because the
/// others look at the first container; the minimum after the limits, because a limit that was raised may still be the
/// platform's default.
pub static REPAIRS: &[&Check] = &[
    &groups::container_order::CHECK,
    &resources::gpu_request_without_limit::CHECK,
    &resources::limit_below_request::CHECK,
    &resources::no_memory_limit::CHECK,
    &resources::platform_default::CHECK,
    &cluster::limit_range::CHECK,
    &cluster::quota::CHECK,
    &accelerators::shm_path::CHECK,
    &accelerators::submitter_accelerators::CHECK,
    &lifecycle::ttl::CHECK,
    &lifecycle::active_deadline::CHECK,
    &lifecycle::pre_running_deadline::CHECK,
    &lifecycle::backoff_limit::CHECK,
    &groups::max_workers::CHECK,
    &groups::ports::CHECK,
    &systems::submitter::CHECK,
    &pods::tolerations::CHECK,
];
