//! Finds a pod without a mount at `/dev/shm` that has a volume called `shared-mem` which is not made of memory.

use crate::json::Json;
use crate::policy::settings::Action;
use crate::ray::memory::{SHM_PATH, SHM_VOLUME, Shm, shm};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG307",
    title: "A volume named shared-mem must be memory",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("foreign_shm_volume.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/pod.go",
        &[1557],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main().filter(|ray| ray.mount_at(SHM_PATH).is_none()) else {
            continue;
        };
        let Shm::Other(index, volume) = shm(pod, ray, cx.kuberay()) else {
            continue;
        };
        let is_disk = volume.get("emptyDir").is_some_and(Json::is_object);
        let finding = Finding::new(
            pod.spec_path().then_key("volumes").index(index).key("name"),
            format!(
                "{}: volume {SHM_VOLUME} is not memory, and KubeRay would mount it at {SHM_PATH}",
                pod.title()
            ),
        )
        .fix(format!("give the volume another name, or mount memory at {SHM_PATH}"))
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(if is_disk { finding.warn_only() } else { finding });
    }
}
