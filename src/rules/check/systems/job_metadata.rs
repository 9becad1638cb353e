//! Finds a RayJob with `metadata` that KubeRay 1.1 to 1.6 cannot pass on.

use crate::json::Json;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::release::Release;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG715",
    title: "metadata needs rayVersion 2.6.0 or later, and no clusterSelector",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::between(KubeRay::V1_1, KubeRay::V1_6),
    page: include_str!("job_metadata.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.6.2",
        "ray-operator/controllers/ray/common/job.go",
        &[69],
    )],
    run,
};

/// The first release of Ray whose `ray job submit` takes metadata.
const SINCE: Release = Release::new(2, 6, 0);

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let has_metadata = job
        .spec
        .get("metadata")
        .and_then(Json::as_object)
        .is_some_and(|metadata| !metadata.is_empty());
    if !has_metadata
        || !matches!(job.submission_mode(), "K8sJobMode" | "SidecarMode")
        || !super::runs_kuberays_command(job)
    {
        return;
    }
    let path = job.job_path("metadata");
    if job.selects_cluster() {
        let finding = Finding::new(path, "metadata is lost with a clusterSelector").fix("leave metadata out");
        findings.push(if cx.kuberay() >= KubeRay::V1_5 {
            finding.warn_only()
        } else {
            finding
        });
        return;
    }
    let Some(cluster) = job.cluster else { return };
    let version = text(cluster, "rayVersion").and_then(Release::leading);
    if version.is_none_or(|version| version < SINCE) {
        findings.push(
            Finding::new(
                path,
                "metadata without a rayVersion of 2.6.0 or later, KubeRay never makes the submitter",
            )
            .fix(format!(
                "set {}.rayVersion to the image's Ray, such as 2.52.1, or leave metadata out",
                job.kind.cluster_field()
            )),
        );
    }
}
