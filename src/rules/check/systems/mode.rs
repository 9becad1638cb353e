//! # What it does
//! Finds a `submissionMode` that the installed KubeRay does not know: `K8sJobMode` and `HTTPMode` from 1.1 on, `UserMode` in
//! 1.2 alone, `InteractiveMode` from 1.3 on, `SidecarMode` from 1.5 on. An empty text is no mode either.
//!
//! # Why it is bad
//! Neither the CRD nor KubeRay refuses it. The cluster starts, nothing submits the job, and its status is `Running` for ever.
//!
//! # What fixes it
//! Leave it out for `K8sJobMode`, which is what Flyte does unless its platform is configured otherwise.
//!
//! # Fails
//! ```yaml
//! spec: {submissionMode: K8SJobMode}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {submissionMode: HTTPMode}
//! ```

use crate::k8s::path::Path;
use crate::k8s::text::{listed, quoted};
use crate::policy::settings::Action;
use crate::ray::job::text;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG701",
    title: "an unknown submissionMode",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("mode.rs"),
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

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
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
            Path::of(["spec", "submissionMode"]),
            format!(
                "submissionMode {} is unknown to KubeRay {}, nothing would submit the job",
                quoted(mode),
                cx.kuberay()
            ),
        )
        .fix(format!("use one of {}", listed(&known().collect::<Vec<_>>()))),
    );
}
