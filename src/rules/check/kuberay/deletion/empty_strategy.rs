//! Finds a `deletionStrategy` with neither `deletionRules` nor `onSuccess` and `onFailure`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{has_ends, has_rules, strategy};

/// The check.
pub const CHECK: Check = Check {
    code: "RG109",
    title: "deletionStrategy must have rules or policies",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("empty_strategy.md"),
    evidence: &[validation(&[788])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if strategy(job).is_some_and(|strategy| !has_rules(strategy) && !has_ends(strategy)) {
        findings.push(
            Finding::new(
                job.job_path("deletionStrategy"),
                "deletionStrategy is empty, KubeRay refuses that",
            )
            .fix("set deletionRules, or leave deletionStrategy out"),
        );
    }
}
