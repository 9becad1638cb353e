//! Finds the policy `DeleteNone` beside `shutdownAfterJobFinishes: true`.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::policies;

/// The check.
pub const CHECK: Check = Check {
    code: "RG114",
    title: "DeleteNone conflicts with shutdownAfterJobFinishes",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("shutdown_and_keep.md"),
    evidence: &[validation(&[962])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !job.flag("shutdownAfterJobFinishes") {
        return;
    }
    for (path, policy) in policies(cx, job).filter(|(_, policy)| *policy == "DeleteNone") {
        findings.push(
            Finding::new(path, format!("{} with shutdown, one keeps the cluster", quoted(policy)))
                .fix("set shutdownAfterJobFinishes to false and ttlSecondsAfterFinished to 0, or use DeleteCluster"),
        );
    }
}
