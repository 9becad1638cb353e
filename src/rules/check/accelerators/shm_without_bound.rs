//! Finds a memory volume at `/dev/shm` without a `sizeLimit`, or with one of 0, in a container without a memory limit.

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::{Shm, shm, size_limit};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG309",
    title: "The volume at /dev/shm should have a size limit",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("shm_without_bound.md"),
    evidence: &[Evidence::Reason(
        "Kubernetes limits a memory volume without `sizeLimit` by the memory limits of the pod, and without those by the memory of the node",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main().filter(|ray| ray.limit("memory").is_none()) else {
            continue;
        };
        let Shm::Memory(index, volume) = shm(pod, ray, cx.kuberay()) else {
            continue;
        };
        let is_bound =
            size_limit(volume).is_some_and(|size| !Quantity::from_json(size).is_ok_and(|size| size.is_zero()));
        if is_bound {
            continue;
        }
        let path = pod
            .spec_path()
            .key("volumes")
            .index(index)
            .keys(["emptyDir", "sizeLimit"]);
        findings.push(
            Finding::new(
                path,
                format!(
                    "{}: neither /dev/shm nor the container has a limit, it can take the node's memory",
                    pod.title()
                ),
            )
            .fix("set limits.memory, or the volume's emptyDir.sizeLimit")
            .flyte(flyte::resource_setting(pod, "limits", "memory", "32Gi")),
        );
    }
}
