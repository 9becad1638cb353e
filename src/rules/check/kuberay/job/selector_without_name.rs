//! Finds a `clusterSelector` without a value for `ray.io/cluster`.

use crate::k8s::json::{given, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG122",
    title: "clusterSelector must name a cluster",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5).failing_before(),
    page: include_str!("selector_without_name.md"),
    evidence: &[validation(&[570])],
    run,
};

/// The key of `clusterSelector` that KubeRay reads.
const CLUSTER_LABEL: &str = "ray.io/cluster";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let selector = given(job.spec, "clusterSelector").filter(|_| job.selects_cluster());
    if selector.is_some_and(|selector| text(selector, CLUSTER_LABEL).unwrap_or_default().is_empty()) {
        findings.push(
            Finding::new(
                job.job_path("clusterSelector").then_key(CLUSTER_LABEL),
                "clusterSelector names no cluster, KubeRay reads only ray.io/cluster",
            )
            .fix("set clusterSelector[\"ray.io/cluster\"] to the name of a RayCluster"),
        );
    }
}
