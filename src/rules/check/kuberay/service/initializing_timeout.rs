//! Finds an annotation `ray.io/initializing-timeout` that is not a positive duration.

use crate::diag::quoted;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::schedule::is_timeout;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG175",
    title: "The annotation ray.io/initializing-timeout must be a positive duration",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("initializing_timeout.md"),
    evidence: &[validation(&[664, 672, 677])],
    run,
};

const TIMEOUT: &str = "ray.io/initializing-timeout";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let timeout = job.annotation(TIMEOUT).filter(|timeout| !is_timeout(timeout));
    if let Some(timeout) = timeout {
        findings.push(
            Finding::new(
                Path::of(["metadata", "annotations", TIMEOUT]),
                format!("{TIMEOUT} {} is not a positive duration", quoted(timeout)),
            )
            .fix("write a duration such as `5m`, or seconds such as `300`"),
        );
    }
}
