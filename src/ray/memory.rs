//! Ray's object store and `/dev/shm`.
//!
//! Ray 2.52: the store takes 30 % of memory unless `object-store-memory` says otherwise; it lives in `/dev/shm`, and
//! one that does not fit falls back to slow storage in `/tmp`, or aborts above 10 GB. KubeRay 1.6, `common/pod.go`:
//! without a mount at exactly `/dev/shm` it adds a memory volume of the whole memory limit.

use crate::json::Json;
use crate::k8s::json::text;
use crate::k8s::quantity::Quantity;

use super::container::Container;
use super::pod::Pod;
use super::told;
use super::version::KubeRay;

/// Where shared memory is mounted.
pub const SHM_PATH: &str = "/dev/shm";
/// The volume that KubeRay would add itself.
pub const SHM_VOLUME: &str = "shared-mem";
/// The memory that an idle Ray head needs, in bytes: 932 MiB measured with Ray 2.52, rounded up.
pub const IDLE_MEMORY: i64 = 1 << 30;
/// The share of memory that Ray's object store takes by itself, in percent.
const STORE_SHARE: i64 = 30;

/// `object-store-memory` in bytes, where it is a whole number.
pub fn object_store_memory(pod: &Pod<'_>) -> Option<i64> {
    told::whole(pod, "object-store-memory")
}

/// Ray's default store is never held below this by a small `/dev/shm`, and one that was asked for aborts above it
/// where it does not fit, in bytes (Ray 2.52, `REQUIRE_SHM_SIZE_THRESHOLD`).
pub const SLOW_STORE_LIMIT: i64 = 10_000_000_000;

/// What Ray's object store will take of `/dev/shm`, in bytes, for a container of this much memory.
pub fn store_size(pod: &Pod<'_>, memory: i64) -> i64 {
    object_store_memory(pod).unwrap_or_else(|| memory / 100 * STORE_SHARE)
}

/// The least `/dev/shm` that holds Ray's object store: what it takes, and a tenth more.
pub fn least_shm(pod: &Pod<'_>, memory: i64) -> i64 {
    let store = store_size(pod, memory).max(0);
    store.saturating_add(store / 10)
}

/// The memory that a container may use, in bytes: its limit, else its request.
pub fn memory_of(container: &Container<'_>) -> Option<i64> {
    container
        .ceiling("memory")
        .map(|memory| memory.value())
        .filter(|bytes| *bytes > 0)
}

/// Whether a volume is made of memory.
pub fn is_memory_volume(volume: Json<'_>) -> bool {
    volume
        .get("emptyDir")
        .is_some_and(|dir| text(dir, "medium") == Some("Memory"))
}

/// The volume that is mounted at `/dev/shm` of a container, with its position and that of its mount.
pub fn shm_volume<'a>(pod: &Pod<'a>, container: &Container<'a>) -> Option<(usize, Json<'a>)> {
    let (_, mount) = container.mount_at(SHM_PATH)?;
    pod.volume(text(mount, "name")?)
}

/// The volume at `/dev/shm` of the Ray container, mounted by the author or by KubeRay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shm<'a> {
    /// A memory volume of the pod, at this position.
    Memory(usize, Json<'a>),
    /// A volume of the pod that is not made of memory, at this position.
    Other(usize, Json<'a>),
    /// The mount names a volume that the pod does not have.
    Missing,
    /// None is mounted; KubeRay adds one of its own.
    KubeRays,
    /// None is mounted, and KubeRay adds none: `plasma-directory` puts the store elsewhere (KubeRay 1.6 and later).
    Nothing,
}

/// What will be at `/dev/shm` of the Ray container (KubeRay 1.6, `common/pod.go`: a volume called `shared-mem` is
/// taken, whatever it is made of).
pub fn shm<'a>(pod: &Pod<'a>, ray: &Container<'a>, kuberay: KubeRay) -> Shm<'a> {
    let of = |(index, volume)| {
        if is_memory_volume(volume) {
            Shm::Memory(index, volume)
        } else {
            Shm::Other(index, volume)
        }
    };
    match ray.mount_at(SHM_PATH) {
        Some((_, mount)) => text(mount, "name")
            .and_then(|name| pod.volume(name))
            .map_or(Shm::Missing, of),
        None if kuberay >= KubeRay::V1_6 && pod.start_param("plasma-directory").is_some() => Shm::Nothing,
        None => pod.volume(SHM_VOLUME).map_or(Shm::KubeRays, of),
    }
}

/// `emptyDir.sizeLimit` as it is written.
pub fn size_limit(volume: Json<'_>) -> Option<Json<'_>> {
    volume
        .get("emptyDir")?
        .get("sizeLimit")
        .filter(|limit| !limit.is_null())
}

/// The size of the memory at `/dev/shm`, in bytes, where the object tells: the volume's `sizeLimit`, else the memory
/// that KubeRay or the kubelet sizes it by.
pub fn shm_bytes(pod: &Pod<'_>, ray: &Container<'_>, kuberay: KubeRay) -> Option<i64> {
    match shm(pod, ray, kuberay) {
        Shm::Memory(_, volume) => size_limit(volume)
            .and_then(|limit| Quantity::from_json(limit).ok())
            .map(|limit| limit.value())
            .filter(|bytes| *bytes > 0)
            .or_else(|| memory_of(ray)),
        Shm::KubeRays if kuberay >= KubeRay::V1_3 => memory_of(ray),
        Shm::KubeRays => ray
            .request("memory")
            .or_else(|| ray.limit("memory"))
            .and_then(|memory| memory.quantity())
            .map(|memory| memory.value())
            .filter(|bytes| *bytes > 0),
        Shm::Other(..) | Shm::Missing | Shm::Nothing => None,
    }
}
