//! Finds a `backoffLimit` above 0 in `InteractiveMode`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG125",
    title: "backoffLimit must be 0 in InteractiveMode",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_4),
    page: include_str!("interactive_retries.md"),
    evidence: &[validation(&[588])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let limit = job.number("backoffLimit").unwrap_or(0);
    if limit > 0 && job.submission_mode() == "InteractiveMode" {
        findings.push(
            Finding::new(
                job.job_path("backoffLimit"),
                format!("backoffLimit {limit} in InteractiveMode, KubeRay refuses that"),
            )
            .fix("set backoffLimit to 0"),
        );
    }
}
