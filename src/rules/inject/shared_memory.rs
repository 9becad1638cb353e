//! A memory volume at `/dev/shm` of the head and the workers, sized from the Ray container's memory.
//!
//! The author's own mount stands. KubeRay adds its volume only where no mount is at `/dev/shm` and `plasma-directory`
//! is not set (KubeRay 1.6, `common/pod.go`), so ours takes its place, under its name where that is free.

use serde_json::json;

use crate::k8s::path::Path;
use crate::k8s::quantity::Quantity;
use crate::policy::settings::Size;
use crate::ray::memory::{SHM_PATH, SHM_VOLUME, is_memory_volume, least_shm, memory_of};
use crate::ray::{Container, Kinds, Pod, Workload};

use super::Injector;
use crate::rules::Cx;
use crate::rules::edit::Plan;

/// The injector.
pub const INJECTOR: Injector = Injector {
    name: "sharedMemory",
    doc: "Mounts a memory volume at /dev/shm of the head and the workers, where the author mounts none.",
    settings: &["sharedMemory"],
    kinds: Kinds::All,
    plan,
};

/// The name of our volume where KubeRay's is taken.
const OWN_VOLUME: &str = "raygate-shm";

fn plan(cx: &Cx<'_>, job: &Workload<'_>, plan: &mut Plan) {
    let Some(size) = cx.setting("sharedMemory.size", |s| s.shared_memory.size.as_ref()) else {
        return;
    };
    for pod in job.ray_pods() {
        let Some(ray) = pod.main() else { continue };
        let has_plasma_directory = pod.start_param("plasma-directory").is_some();
        let Some(memory) = memory_of(ray) else { continue };
        if ray.mount_at(SHM_PATH).is_some() || has_plasma_directory {
            continue;
        }
        let bytes = sized(cx, pod, size.value, memory);
        let Some(name) = volume_name(pod) else { continue };
        if pod.volume(name).is_none() {
            let volume = json!({"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": Quantity::from_bytes(bytes).to_string()}});
            plan.append(pod.spec_path().then_key("volumes"), volume, &size.leaf);
        }
        plan.append(
            mounts(pod, ray),
            json!({"name": name, "mountPath": SHM_PATH}),
            &size.leaf,
        );
    }
}

fn mounts(pod: &Pod<'_>, ray: &Container<'_>) -> Path {
    pod.container_path(ray).then_key("volumeMounts")
}

/// The volume to mount: one of memory that carries KubeRay's name already, a new one of that name, or one of ours.
fn volume_name(pod: &Pod<'_>) -> Option<&'static str> {
    match pod.volume(SHM_VOLUME) {
        None => Some(SHM_VOLUME),
        Some((_, volume)) if is_memory_volume(volume) => Some(SHM_VOLUME),
        Some(_) => pod.volume(OWN_VOLUME).is_none().then_some(OWN_VOLUME),
    }
}

/// The policy's size within its bounds, never below what Ray's object store takes, never above the memory.
fn sized(cx: &Cx<'_>, pod: &Pod<'_>, size: &Size, memory: i64) -> i64 {
    let bound = |read: fn(&crate::policy::settings::SharedMemory) -> Option<&Quantity>| {
        cx.setting("sharedMemory", |s| read(&s.shared_memory))
            .map(|bound| bound.value.value())
    };
    let wanted = match size {
        Size::Percent(percent) => (i128::from(memory) * i128::from(*percent) / 100) as i64,
        Size::Quantity(quantity) => quantity.value(),
    };
    let least = bound(|shm| shm.min.as_ref()).unwrap_or(0);
    let most = bound(|shm| shm.max.as_ref()).unwrap_or(i64::MAX);
    whole_mebibytes(wanted.min(most).max(least).max(least_shm(pod, memory))).min(memory)
}

/// Rounded up to a mebibyte, so that the quantity reads well.
fn whole_mebibytes(bytes: i64) -> i64 {
    const MEBIBYTE: i64 = 1 << 20;
    bytes.saturating_add(MEBIBYTE - 1) / MEBIBYTE * MEBIBYTE
}
