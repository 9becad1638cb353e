//! Finds a `rayClusterDeletionDelaySeconds` below 0.

use crate::k8s::json::below;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG178",
    title: "rayClusterDeletionDelaySeconds must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("deletion_delay.md"),
    evidence: &[validation(&[704])],
    run,
};

const KEY: &str = "rayClusterDeletionDelaySeconds";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let delay = below(job.object, &["spec", KEY]).as_i64().filter(|delay| *delay < 0);
    if let Some(delay) = delay {
        findings.push(
            Finding::new(Path::of(["spec", KEY]), format!("{KEY} is {delay}, must be at least 0"))
                .fix("write 0 or more, or remove it; the default is 60"),
        );
    }
}
