//! Finds `upgradeStrategy.type` on a RayCluster whose label says that KubeRay made it.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG174",
    title: "A RayCluster made from another object must not have upgradeStrategy",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayCluster"]),
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("upgrade_of_a_child.md"),
    evidence: &[validation(&[50, 53])],
    run,
};

/// The label that names the kind of object that KubeRay made the cluster from.
const ORIGIN: &str = "ray.io/originated-from-crd";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_set = |strategy| given(strategy, "type").is_some();
    let maker = job
        .label(ORIGIN)
        .filter(|maker| matches!(*maker, "RayJob" | "RayService"));
    if let Some(maker) = maker.filter(|_| job.cluster_field("upgradeStrategy").is_some_and(is_set)) {
        findings.push(
            Finding::new(
                job.cluster_path("upgradeStrategy").key("type"),
                format!("upgradeStrategy beside the label {ORIGIN}: {maker}, KubeRay creates no pods"),
            )
            .fix(format!(
                "remove upgradeStrategy, or the label if no {maker} made the cluster"
            )),
        );
    }
}
