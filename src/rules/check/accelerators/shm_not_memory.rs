//! Finds a mount at `/dev/shm` of a Ray container whose volume is missing, or is not made of memory; the latter only
//! warns.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::memory::{SHM_PATH, Shm, shm};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG308",
    title: "The volume at /dev/shm must be memory",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("shm_not_memory.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[3187],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some((ray, (index, mount))) = pod.main().and_then(|ray| Some((ray, ray.mount_at(SHM_PATH)?))) else {
            continue;
        };
        let (what, warn_only) = match shm(pod, ray, cx.kuberay()) {
            Shm::Missing => ("does not exist, no pod can be created", false),
            Shm::Other(..) => ("is not memory, Ray's object store becomes files", true),
            _ => continue,
        };
        let name = text(mount, "name").unwrap_or_default();
        let finding = Finding::new(
            pod.container_path(ray)
                .then_key("volumeMounts")
                .index(index)
                .key("name"),
            format!("{}: volume {} at {SHM_PATH} {what}", pod.title(), quoted(name)),
        )
        .fix("mount a volume with emptyDir.medium Memory")
        .flyte(flyte::setting(pod, "pod_template=PodTemplate(…)"));
        findings.push(if warn_only { finding.warn_only() } else { finding });
    }
}
