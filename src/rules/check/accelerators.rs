//! RG3xx: accelerators and shared memory.

pub mod foreign_shm_volume;
pub mod head_accelerators;
pub mod init_accelerators;
pub mod max_gpus;
pub mod missing_toleration;
pub mod mixed_devices;
pub mod num_gpus_above;
pub mod num_gpus_below;
pub mod object_store_above_shm;
pub mod shm_not_memory;
pub mod shm_path;
pub mod shm_size;
pub mod shm_without_bound;
pub mod sidecar_accelerators;
pub mod small_shm;
pub mod stray_toleration;
pub mod submitter_accelerators;
pub mod tpu_topology;
pub mod uncounted_device;
pub mod unknown_device;
pub mod unknown_resource;

use crate::k8s::path::Path;
use crate::ray::device::is_accelerator;
use crate::ray::memory::{Shm, shm};
use crate::ray::{Container, Pod, Resource};
use crate::rules::{Check, Cx};

/// The family, in the order of its codes.
pub static CHECKS: &[&Check] = &[
    &unknown_resource::CHECK,
    &submitter_accelerators::CHECK,
    &head_accelerators::CHECK,
    &shm_size::CHECK,
    &object_store_above_shm::CHECK,
    &shm_path::CHECK,
    &foreign_shm_volume::CHECK,
    &shm_not_memory::CHECK,
    &shm_without_bound::CHECK,
    &max_gpus::CHECK,
    &num_gpus_above::CHECK,
    &num_gpus_below::CHECK,
    &uncounted_device::CHECK,
    &mixed_devices::CHECK,
    &init_accelerators::CHECK,
    &missing_toleration::CHECK,
    &stray_toleration::CHECK,
    &tpu_topology::CHECK,
    &sidecar_accelerators::CHECK,
    &small_shm::CHECK,
    &unknown_device::CHECK,
];

/// Whether a resource is an accelerator, by its name or because the Platform says so.
fn is_device(cx: &Cx<'_>, key: &str) -> bool {
    is_accelerator(key)
        || cx
            .platform
            .accelerators
            .values()
            .any(|accelerator| accelerator.resource == key)
}

/// The accelerators that a container asks for, none of them zero.
fn devices<'c, 'a>(cx: &'c Cx<'_>, container: &'c Container<'a>) -> impl Iterator<Item = &'c Resource<'a>> {
    container
        .asked()
        .filter(|resource| is_device(cx, resource.key))
        .filter(|resource| resource.quantity().is_some_and(|quantity| quantity.value() > 0))
}

/// Where a container asks for a resource: its limit, else its request.
fn resource_path(pod: &Pod<'_>, container: &Container<'_>, key: &str) -> Path {
    let block = if container.limit(key).is_some() {
        "limits"
    } else {
        "requests"
    };
    pod.container_path(container).keys(["resources", block]).name(key)
}

/// Where the size of `/dev/shm` is decided: the volume's `sizeLimit`, or the container's memory limit.
fn shm_size_path(cx: &Cx<'_>, pod: &Pod<'_>, ray: &Container<'_>) -> Path {
    match shm(pod, ray, cx.kuberay()) {
        Shm::Memory(index, _) => pod
            .spec_path()
            .key("volumes")
            .index(index)
            .keys(["emptyDir", "sizeLimit"]),
        _ => resource_path(pod, ray, "memory"),
    }
}
