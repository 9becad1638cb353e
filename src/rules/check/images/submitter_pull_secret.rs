//! Finds a submitter that may not pull its image: the head has pull secrets, and the submitter has none.

use crate::diag::quoted;
use crate::k8s::image::Image;
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::kind::SUBMITTER;
use crate::ray::workload::K8S_JOB_MODE;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG615",
    title: "The submitter must have the head's image pull secrets",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter_pull_secret.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/job.go",
        &[201, 216],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.submission_mode() != K8S_JOB_MODE || job.selects_cluster() {
        return;
    }
    let Some(head) = job.head() else { return };
    let Some(secret) = items(head.spec, "imagePullSecrets")
        .iter()
        .find_map(|secret| text(secret, "name"))
    else {
        return;
    };
    let host = |image: &str| Image::parse(image).ok().map(|image| image.registry().to_owned());
    let head_image = head.main().and_then(|main| text(main.value, "image"));
    let (path, what) = match job.submitter() {
        None => (
            job.kind.submitter_path(),
            "KubeRay's own submitter pod has no image pull secret",
        ),
        Some(submitter) => {
            let image = submitter.main().and_then(|main| text(main.value, "image"));
            let is_elsewhere = image.and_then(host) != head_image.and_then(host);
            // A service account may bring secrets.
            let has_own = !items(submitter.spec, "imagePullSecrets").is_empty()
                || text(submitter.spec, "serviceAccountName") != text(head.spec, "serviceAccountName");
            if is_elsewhere || has_own {
                return;
            }
            (
                submitter.spec_path().then_key("imagePullSecrets"),
                "the submitter pod has no image pull secret",
            )
        }
    };
    findings.push(
        Finding::new(
            path,
            format!(
                "{what}, the head has {}; the {} waits if the image is private",
                quoted(secret),
                job.kind.word
            ),
        )
        .fix(format!("add the secret to {SUBMITTER}.spec.imagePullSecrets")),
    );
}
