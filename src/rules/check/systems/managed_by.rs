//! Finds an object that is left to MultiKueue, and that Kueue does not take, and one that is left to a controller that the
//! CRD does not allow.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{child, text};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::kind::{RAY_CLUSTER, RAY_JOB};
use crate::ray::workload::KUBERAY;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG733",
    title: "managedBy must name a controller that takes the object",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayCluster", "RayService"]),
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("managed_by.md"),
    evidence: &[Evidence::Reason(
        "KubeRay ignores the object, and Kueue may be configured to take objects without a queue",
    )],
    run,
};

const MULTI_KUEUE: &str = "kueue.x-k8s.io/multikueue";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_left = |holder: Json<'_>| text(holder, "managedBy") == Some(MULTI_KUEUE);
    let mut report = |path: Path, message: &str, fix: &str| findings.push(Finding::new(path, message).fix(fix));
    let mut places = vec![(child(job.object, "spec"), Path::of(["spec", "managedBy"]))];
    if !job.kind.is(&RAY_CLUSTER) {
        places.extend(job.cluster.map(|cluster| (cluster, job.cluster_path("managedBy"))));
    }
    for (holder, path) in places {
        if let Some(name) = text(holder, "managedBy").filter(|name| ![MULTI_KUEUE, KUBERAY].contains(name)) {
            report(
                path,
                &format!(
                    "managedBy is {}, and KubeRay's CRD rejects other controllers than KubeRay and MultiKueue",
                    quoted(name)
                ),
                "remove managedBy",
            );
        }
    }
    let is_kueues = job.kind.is(&RAY_JOB) || job.kind.is(&RAY_CLUSTER);
    if is_kueues && is_left(child(job.object, "spec")) && job.queue().is_none() {
        report(
            Path::of(["spec", "managedBy"]),
            "KubeRay leaves the object to Kueue, which takes none without a queue; it never starts",
            "add the label kueue.x-k8s.io/queue-name, or remove managedBy",
        );
    }
    if !job.kind.is(&RAY_CLUSTER) && job.cluster.is_some_and(is_left) {
        report(
            job.cluster_path("managedBy"),
            "KubeRay leaves the cluster of this object to Kueue, and nobody starts it",
            &format!("remove managedBy from {}", job.kind.cluster_field()),
        );
    }
}
