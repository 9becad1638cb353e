//! Finds `deletionRules` beside `shutdownAfterJobFinishes: true`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{has_rules, strategy};

/// The check.
pub const CHECK: Check = Check {
    code: "RG107",
    title: "deletionRules and shutdownAfterJobFinishes exclude each other",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("rules_with_shutdown.md"),
    evidence: &[validation(&[772])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if job.flag("shutdownAfterJobFinishes") && strategy(job).is_some_and(has_rules) {
        findings.push(
            Finding::new(
                job.job_path("shutdownAfterJobFinishes"),
                "shutdown beside deletionRules, KubeRay takes only one",
            )
            .fix("set shutdownAfterJobFinishes to false and ttlSecondsAfterFinished to 0, or remove deletionRules"),
        );
    }
}
