//! Finds a worker group that restarts in place under the autoscaler v1.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::{restarting, version};

/// The check.
pub const CHECK: Check = Check {
    code: "RG183",
    title: "Workers should not restart under the autoscaler v1",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("restarting_workers_v1.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/raycluster_controller.go",
        &[189],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.autoscales() && !job.selects_cluster() && version(job) == Some("v1") {
        restarting(job.workers(), "v1", findings);
    }
}
