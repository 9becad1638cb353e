//! Finds a RayJob with both `rayClusterSpec` and `clusterSelector`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG708",
    title: "A RayJob should describe a cluster or select one, not both",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("selector_wins.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/rayjob_controller.go",
        &[905],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let field = job.kind.cluster_field();
    if job.selects_cluster() && job.cluster.is_some() {
        findings.push(
            Finding::new(
                job.job_path("clusterSelector"),
                format!("clusterSelector wins, {field} is ignored"),
            )
            .fix(format!("leave out clusterSelector or {field}")),
        );
    }
}
