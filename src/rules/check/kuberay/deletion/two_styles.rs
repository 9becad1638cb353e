//! Finds `deletionRules` beside `onSuccess` or `onFailure` in `deletionStrategy`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{has_ends, has_rules, strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG108",
    title: "deletionRules exclude onSuccess and onFailure",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("two_styles.md"),
    evidence: &[validation(&[775])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if strategy(job).is_some_and(|strategy| has_rules(strategy) && has_ends(strategy)) {
        findings.push(
            Finding::new(
                strategy_path(job.kind, "deletionRules"),
                "deletionRules beside onSuccess or onFailure, KubeRay takes one style",
            )
            .fix("remove onSuccess and onFailure, or deletionRules"),
        );
    }
}
