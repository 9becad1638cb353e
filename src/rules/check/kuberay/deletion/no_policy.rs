//! Finds an `onSuccess` or `onFailure` without `policy`.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{ENDS, strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG111",
    title: "onSuccess and onFailure need a policy",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("no_policy.md"),
    evidence: &[validation(&[941, 944])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(strategy) = strategy(job) else { return };
    for end in ENDS {
        if given(strategy, end).is_some_and(|end| given(end, "policy").is_none()) {
            findings.push(
                Finding::new(
                    strategy_path(job.kind, end).then_key("policy"),
                    format!("deletionStrategy.{end} has no policy, KubeRay refuses that"),
                )
                .fix(format!("set deletionStrategy.{end}.policy")),
            );
        }
    }
}
