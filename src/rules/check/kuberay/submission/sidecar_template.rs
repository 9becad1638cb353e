//! Finds a `submitterPodTemplate` in `SidecarMode`.

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{given, validation};
use super::SIDECAR;

/// The check.
pub const CHECK: Check = Check {
    code: "RG126",
    title: "a submitter template in SidecarMode",
    action: Action::Deny,
    fixes: false,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("sidecar_template.md"),
    evidence: &[validation(&[593])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.submission_mode() == SIDECAR && given(job.spec, "submitterPodTemplate").is_some() {
        findings.push(
            Finding::new(
                Path::of(["spec", "submitterPodTemplate"]),
                "submitterPodTemplate in SidecarMode, KubeRay refuses that",
            )
            .fix("remove submitterPodTemplate, or set submissionMode to K8sJobMode"),
        );
    }
}
