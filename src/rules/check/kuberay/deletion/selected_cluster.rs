//! Finds a policy at the end of a job that deletes a cluster which the job only selects.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::validation;
use super::{policies, selected_cluster};

/// The check.
pub const CHECK: Check = Check {
    code: "RG112",
    title: "A selected cluster must not be deleted",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("selected_cluster.md"),
    evidence: &[validation(&[949, 952])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let deletes = |policy: &str| matches!(policy, "DeleteCluster" | "DeleteWorkers");
    for (path, policy) in policies(cx, job).filter(|(_, policy)| job.selects_cluster() && deletes(policy)) {
        findings.push(selected_cluster(path, policy));
    }
}
