//! Finds a memory volume at `/dev/shm` that does not hold the object store that Ray takes by itself.

use crate::k8s::quantity::Quantity;
use crate::policy::settings::Action;
use crate::ray::memory::{SLOW_STORE_LIMIT, memory_of, shm_bytes, store_size};
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG320",
    title: "/dev/shm should hold Ray's object store",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("small_shm.md"),
    evidence: &[Evidence::Source(
        "Ray 2.52.1",
        "python/ray/_private/services.py",
        &[2119],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        if pod.start_param("object-store-memory").is_some() || pod.start_param("plasma-directory").is_some() {
            continue;
        }
        let (Some(memory), Some(shm)) = (memory_of(ray), shm_bytes(pod, ray, cx.kuberay())) else {
            continue;
        };
        // Above 10 GB Ray fits the store to the volume by itself.
        let store = store_size(pod, memory).min(SLOW_STORE_LIMIT);
        if shm > store {
            continue;
        }
        let path = super::shm_size_path(cx, pod, ray);
        let (shm_shown, store_shown) = (Quantity::from_bytes(shm), Quantity::from_bytes(whole_mebibytes(store)));
        findings.push(
            Finding::new(
                job.nearest(path),
                format!(
                    "{}: /dev/shm of {shm_shown} does not hold Ray's object store of {store_shown}, it goes to disk",
                    pod.title()
                ),
            )
            .fix(format!(
                "give /dev/shm more than {store_shown}, or set object-store-memory"
            ))
            .flyte(flyte::setting(pod, "ray_start_params={\"object-store-memory\": \"…\"}"))
            .weight(store.saturating_sub(shm)),
        );
    }
}

/// Rounded up to a mebibyte, so that it reads well.
fn whole_mebibytes(bytes: i64) -> i64 {
    const MEBIBYTE: i64 = 1 << 20;
    bytes.saturating_add(MEBIBYTE - 1) / MEBIBYTE * MEBIBYTE
}
