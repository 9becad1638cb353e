//! Finds a `submitterConfig` in `SidecarMode`.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG127",
    title: "SidecarMode does not allow submitterConfig",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5).failing_before(),
    page: include_str!("sidecar_config.md"),
    evidence: &[validation(&[597])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.submission_mode() == SIDECAR_MODE && given(job.spec, "submitterConfig").is_some() {
        findings.push(
            Finding::new(
                job.job_path("submitterConfig"),
                "submitterConfig in SidecarMode, KubeRay refuses that",
            )
            .fix("remove submitterConfig, or set submissionMode to K8sJobMode"),
        );
    }
}
