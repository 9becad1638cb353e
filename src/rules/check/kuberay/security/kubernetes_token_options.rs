//! Finds `authOptions.enableK8sTokenAuth: true` with options or a Ray release that do not allow it.

use crate::k8s::json::text;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::ray_version::RayVersion;
use super::super::validation;
use super::{AUTH, auth, is_by_kubernetes, is_by_token};

/// The check.
pub const CHECK: Check = Check {
    code: "RG170",
    title: "Kubernetes token authentication needs matching options",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("kubernetes_token_options.md"),
    evidence: &[validation(&[303, 306, 311])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(auth) = auth(job).filter(|auth| is_by_kubernetes(*auth)) else {
        return;
    };
    let mut wrong = |path: Path, problem: &str| {
        findings.push(
            Finding::new(path, format!("enableK8sTokenAuth {problem}"))
                .fix("remove enableK8sTokenAuth from authOptions"),
        );
    };
    if !is_by_token(auth) {
        return wrong(job.cluster_path(AUTH).then_key("mode"), "needs the mode token");
    }
    if let version @ RayVersion::Known(..) = RayVersion::of(job)
        && !version.at_least(2, 55)
    {
        wrong(job.cluster_path("rayVersion"), "needs a rayVersion of 2.55.0 or later");
    }
    if text(auth, "secretName").is_some_and(|name| !name.is_empty()) {
        wrong(
            job.cluster_path(AUTH).then_key("secretName"),
            "takes no token of a Secret, and secretName is set",
        );
    }
}
