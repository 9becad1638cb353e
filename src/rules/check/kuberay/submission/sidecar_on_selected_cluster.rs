//! Finds a RayJob in `SidecarMode` that selects an existing cluster.

use crate::policy::settings::Action;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG123",
    title: "SidecarMode does not work with clusterSelector",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5).failing_before(),
    page: include_str!("sidecar_on_selected_cluster.md"),
    evidence: &[validation(&[573])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.submission_mode() == SIDECAR_MODE && job.selects_cluster() {
        findings.push(
            Finding::new(
                job.job_path("submissionMode"),
                "SidecarMode on a selected cluster, KubeRay refuses that",
            )
            .fix("set submissionMode to K8sJobMode, or remove clusterSelector"),
        );
    }
}
