//! Finds a RayJob whose RayCluster is not in its namespace.

use crate::diag::quoted;
use crate::facts::Fact;
use crate::k8s::json::{child, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::missing::fix;

/// The check.
pub const CHECK: Check = Check {
    code: "RG817",
    title: "The RayCluster that clusterSelector names must exist",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob"]),
    versions: Versions::ALL,
    page: include_str!("selected_cluster.md"),
    evidence: &[Evidence::Reason(
        "The RayJob waits until somebody creates the RayCluster, which may happen at the same moment",
    )],
    run,
};

/// The key of `clusterSelector` by which KubeRay finds the RayCluster (KubeRay 1.7, `rayjob_controller.go`,
/// `RayJobClusterSelectorKey`).
const CLUSTER: &str = "ray.io/cluster";

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let selector = child(job.spec, "clusterSelector");
    let Some(name) = text(selector, CLUSTER).filter(|name| !name.is_empty()) else {
        return;
    };
    let Some(clusters) = cx.facts.ray_clusters().filter(|clusters| !clusters.contains(name)) else {
        return;
    };
    let message = format!(
        "RayCluster {} does not exist in namespace {}, so the job does not start",
        quoted(name),
        quoted(cx.namespace)
    );
    let names = clusters.iter().map(String::as_str);
    let fix = fix(name, names, Fact::RayCluster.name(), "clusterSelector");
    findings.push(Finding::new(job.job_path("clusterSelector").name(CLUSTER), message).fix(fix));
}
