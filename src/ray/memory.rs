//! Ray's object store and `/dev/shm`.
//!
//! Ray 2.52: the store takes 30 % of memory unless `object-store-memory` says otherwise; it lives in `/dev/shm`, and
//! one that does not fit falls back to slow storage in `/tmp`, or aborts above 10 GB. KubeRay 1.6, `common/pod.go`:
//! without a mount at exactly `/dev/shm` it adds a memory volume of the whole memory limit.

use serde_json::Value;

use super::job::{Container, Pod, text};

/// Where shared memory is mounted.
pub const SHM_PATH: &str = "/dev/shm";
/// The volume that KubeRay would add itself.
pub const SHM_VOLUME: &str = "shared-mem";
/// The share of memory that Ray's object store takes by itself, in percent.
const STORE_SHARE: i64 = 30;

/// `object-store-memory` in bytes, where it is a whole number.
pub fn object_store_memory(pod: &Pod<'_>) -> Option<i64> {
    pod.start_param("object-store-memory")?.parse().ok()
}

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
pub fn is_memory_volume(volume: &Value) -> bool {
    volume
        .get("emptyDir")
        .is_some_and(|dir| text(dir, "medium") == Some("Memory"))
}

/// The volume that is mounted at `/dev/shm` of a container, with its position and that of its mount.
pub fn shm_volume<'a>(pod: &Pod<'a>, container: &Container<'a>) -> Option<(usize, &'a Value)> {
    let (_, mount) = container.mount_at(SHM_PATH)?;
    pod.volume(text(mount, "name")?)
}
