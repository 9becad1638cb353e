//! Finds a RayJob with neither `rayClusterSpec` nor `clusterSelector`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG121",
    title: "A RayJob needs rayClusterSpec or clusterSelector",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("no_cluster.md"),
    evidence: &[validation(&[565])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let field = job.kind.cluster_field();
    if job.kind.cluster(job.object).is_null() && !job.selects_cluster() {
        findings.push(
            Finding::new(
                job.kind.cluster_path(),
                format!("neither {field} nor clusterSelector is set, there is nothing to run on"),
            )
            .fix(format!("set {field}")),
        );
    }
}
