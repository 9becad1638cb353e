//! Finds a RayJob with `metadata` that KubeRay cannot pass on.

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
    versions: Versions::ALL,
    page: include_str!("job_metadata.md"),
    evidence: &[
        Evidence::Source("KubeRay 1.6.2", "ray-operator/controllers/ray/common/job.go", &[69]),
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/job.go", &[73, 76]),
    ],
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
    let takes_any = cx.kuberay() >= KubeRay::V1_7;
    if job.selects_cluster() {
        // KubeRay 1.7 assumes a Ray that takes metadata, and so may the release that the Platform does not name.
        if takes_any && cx.platform.names_kuberay {
            return;
        }
        let message = "KubeRay before 1.7 does not pass metadata on with a clusterSelector";
        let finding = Finding::new(path, message).fix("leave metadata out");
        findings.push(if cx.kuberay() >= KubeRay::V1_5 {
            finding.warn_only()
        } else {
            finding
        });
        return;
    }
    let Some(cluster) = job.cluster else { return };
    let given = text(cluster, "rayVersion").filter(|version| !version.is_empty());
    let release = given.and_then(semver);
    let (message, is_certain) = match (given, release) {
        (_, Some(release)) if release >= SINCE => return,
        (Some(_), _) => (
            "metadata needs a rayVersion of at least 2.6.0, KubeRay never creates the submitter",
            true,
        ),
        (None, _) if takes_any && cx.platform.names_kuberay => return,
        (None, _) => (
            "metadata without rayVersion: KubeRay before 1.7 never creates the submitter",
            cx.platform.names_kuberay,
        ),
    };
    let finding = Finding::new(path, message).fix(format!(
        "set {}.rayVersion to the image's Ray, such as 2.52.1, or leave metadata out",
        job.kind.cluster_field()
    ));
    findings.push(if is_certain { finding } else { finding.warn_only() });
}

/// A release as KubeRay reads it (`Masterminds/semver`, `NewVersion`): with or without `v`, minor and patch.
fn semver(text: &str) -> Option<Release> {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    Release::leading(numbers)
        .or_else(|| Release::leading(&format!("{numbers}.0")))
        .or_else(|| Release::leading(&format!("{numbers}.0.0")))
}
