//! Finds a worker group whose `maxReplicas` is below 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::negative;

/// The check.
pub const CHECK: Check = Check {
    code: "RG147",
    title: "maxReplicas must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("negative_maximum.md"),
    evidence: &[validation(&[132])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    negative(job, "maxReplicas", "max_replicas=1", findings);
}
