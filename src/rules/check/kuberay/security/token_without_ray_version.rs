//! Finds `authOptions.mode: token` without a `rayVersion` that has it.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::ray_version::RayVersion;
use super::super::validation;
use super::{auth, is_by_token};

/// The check.
pub const CHECK: Check = Check {
    code: "RG169",
    title: "Token authentication needs a Ray that supports it",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("token_without_ray_version.md"),
    evidence: &[validation(&[286, 297])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let version = RayVersion::of(job);
    if version.at_least(2, 52) || !auth(job).is_some_and(is_by_token) {
        return;
    }
    let seen = match version {
        RayVersion::Unset => "is not set".to_owned(),
        RayVersion::Unreadable(text) => format!("{} cannot be read", quoted(text)),
        RayVersion::Known(text, _) => format!("{} is too old", quoted(text)),
    };
    findings.push(
        Finding::new(
            job.cluster_path("rayVersion"),
            format!("token authentication: rayVersion {seen}, it needs 2.52.0"),
        )
        .fix("set rayVersion to that of the image, 2.52.0 or later"),
    );
}
