//! Finds a pod without a mount at `/dev/shm` that has a volume called `shared-mem` which is not made of memory.

use crate::policy::settings::Action;
use crate::ray::memory::{SHM_PATH, SHM_VOLUME, Shm, shm};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG307",
    title: "A volume named shared-mem should be memory",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("foreign_shm_volume.md"),
    evidence: &[Evidence::Reason(
        "Ray's object store works on a disk that is writable, only slowly",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main().filter(|ray| ray.mount_at(SHM_PATH).is_none()) else {
            continue;
        };
        let Shm::Other(index, _) = shm(pod, ray, cx.kuberay()) else {
            continue;
        };
        findings.push(
            Finding::new(
                pod.spec_path().then_key("volumes").index(index).key("name"),
                format!(
                    "{}: volume {SHM_VOLUME} is not memory, and KubeRay mounts it at {SHM_PATH}",
                    pod.title()
                ),
            )
            .fix(format!("give the volume another name, or mount memory at {SHM_PATH}"))
            .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)")),
        );
    }
}
