//! Finds a RayJob that selects an existing cluster, which limits cannot see.

use crate::policy::settings::{Action, Selecting};
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG722",
    title: "RayJobs under limits should describe their own cluster",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("selected_cluster.md"),
    evidence: &[Evidence::Limit("clusterSelector")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !job.selects_cluster() {
        return;
    }
    let limits = &cx.policy.limits;
    let path = job.job_path("clusterSelector");
    if limits.cluster_selector == Some(Selecting::Forbid) {
        findings.push(
            Finding::new(path, "clusterSelector is forbidden by policy").fix(format!(
                "remove clusterSelector and describe the cluster in {}",
                job.kind.cluster_field()
            )),
        );
    } else if limits.bound_clusters() {
        findings.push(
            Finding::new(
                path,
                "clusterSelector selects an existing cluster; the limits of this policy do not see its pods",
            )
            .warn_only(),
        );
    }
}
