//! Finds a `deletionStrategy` with only one of `onSuccess` and `onFailure`.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{ENDS, has_ends, has_rules, strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG110",
    title: "deletionStrategy must cover both success and failure",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("one_end_only.md"),
    evidence: &[validation(&[933])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(strategy) = strategy(job).filter(|strategy| has_ends(*strategy) && !has_rules(*strategy)) else {
        return;
    };
    for end in ENDS.into_iter().filter(|end| given(strategy, end).is_none()) {
        findings.push(
            Finding::new(
                strategy_path(job.kind, end),
                format!("deletionStrategy lacks {end}, KubeRay needs both ends"),
            )
            .fix(format!("set deletionStrategy.{end}.policy")),
        );
    }
}
