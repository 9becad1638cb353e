//! Finds a memory volume at `/dev/shm` whose `sizeLimit` is no quantity or negative, or above the memory limit of the
//! Ray container; the latter only warns.

use crate::diag::quoted;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::{Shm, shm, size_limit};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG304",
    title: "The volume at /dev/shm needs a valid size",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("shm_size.md"),
    evidence: &[Evidence::Source(
        "Kubernetes 1.37.2",
        "pkg/apis/core/validation/validation.go",
        &[558],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let Shm::Memory(index, volume) = shm(pod, ray, cx.kuberay()) else {
            continue;
        };
        let Some(given) = size_limit(volume) else { continue };
        let path = pod
            .spec_path()
            .key("volumes")
            .index(index)
            .keys(["emptyDir", "sizeLimit"]);
        let size = match Quantity::from_json(given) {
            Ok(size) if !size.is_negative() => size,
            _ => {
                findings.push(
                    Finding::new(
                        path,
                        format!(
                            "{}: sizeLimit {} of /dev/shm is no size, no pod can be created",
                            pod.title(),
                            quoted(&flyte::shown(given))
                        ),
                    )
                    .fix("write a size like 16Gi")
                    .flyte("@task(shared_memory=\"16Gi\")"),
                );
                continue;
            }
        };
        let Some(limit) = ray.limit("memory").and_then(|limit| limit.quantity()) else {
            continue;
        };
        if size <= *limit || limit.is_zero() {
            continue;
        }
        findings.push(
            Finding::new(
                path,
                format!(
                    "{}: /dev/shm of {size} is above its memory limit {limit}, filling it kills the container",
                    pod.title()
                ),
            )
            .fix(format!(
                "make the volume smaller than {limit}, or raise limits.memory above {size}"
            ))
            .flyte(flyte::resource_setting(pod, "limits", "memory", &size.to_string()))
            .weight(size.value())
            .warn_only(),
        );
    }
}
