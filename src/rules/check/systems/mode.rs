//! Finds a `submissionMode` that the installed KubeRay does not know.

use crate::diag::{listed, quoted};
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG701",
    title: "submissionMode must be a mode that KubeRay knows",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("mode.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/rayjob_controller.go",
        &[230],
    )],
    run,
};

/// The modes with their first and last release (`rayjob_types.go`).
const MODES: [(&str, KubeRay, KubeRay); 5] = [
    ("K8sJobMode", KubeRay::V1_1, KubeRay::V1_7),
    ("HTTPMode", KubeRay::V1_1, KubeRay::V1_7),
    ("UserMode", KubeRay::V1_2, KubeRay::V1_2),
    ("InteractiveMode", KubeRay::V1_3, KubeRay::V1_7),
    ("SidecarMode", KubeRay::V1_5, KubeRay::V1_7),
];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(mode) = text(job.spec, "submissionMode") else {
        return;
    };
    let known = || {
        MODES
            .iter()
            .filter(|(_, since, until)| (*since..=*until).contains(&cx.kuberay()))
            .map(|(name, ..)| *name)
    };
    if known().any(|name| name == mode) {
        return;
    }
    findings.push(
        Finding::new(
            job.job_path("submissionMode"),
            format!(
                "submissionMode {} is unknown to KubeRay {}, nothing would submit the job",
                quoted(mode),
                cx.kuberay()
            ),
        )
        .fix(format!("use one of {}", listed(&known().collect::<Vec<_>>()))),
    );
}
