//! Finds a `submitterPodTemplate` in `SidecarMode`.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::kind::SUBMITTER;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG126",
    title: "SidecarMode does not allow a submitter pod template",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5).failing_before(),
    page: include_str!("sidecar_template.md"),
    evidence: &[validation(&[593])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.submission_mode() == SIDECAR_MODE && given(job.spec, SUBMITTER).is_some() {
        findings.push(
            Finding::new(
                job.kind.submitter_path(),
                format!("{SUBMITTER} in SidecarMode, KubeRay refuses that"),
            )
            .fix(format!("remove {SUBMITTER}, or set submissionMode to K8sJobMode")),
        );
    }
}
