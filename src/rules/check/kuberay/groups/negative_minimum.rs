//! Finds a worker group whose `minReplicas` is below 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::negative;

/// The check.
pub const CHECK: Check = Check {
    code: "RG146",
    title: "minReplicas must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("negative_minimum.md"),
    evidence: &[validation(&[129])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    negative(job, "minReplicas", "min_replicas=0", findings);
}
