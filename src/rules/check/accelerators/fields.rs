//! Devices, and the fields that several checks of accelerators report.

use crate::k8s::path::Path;
use crate::ray::device::is_accelerator;
use crate::ray::memory::{Shm, shm};
use crate::ray::{Container, Pod, Resource};
use crate::rules::Cx;

/// Whether a resource is an accelerator, by its name or because the Platform says so.
pub(super) fn is_device(cx: &Cx<'_>, key: &str) -> bool {
    is_accelerator(key) || cx.platform.devices.resources.contains(key)
}

/// The accelerators that a container asks for, none of them zero.
pub(super) fn devices<'c, 'a>(cx: &'c Cx<'_>, container: &'c Container<'a>) -> impl Iterator<Item = &'c Resource<'a>> {
    container
        .asked()
        .filter(|resource| is_device(cx, resource.key))
        .filter(|resource| resource.quantity().is_some_and(|quantity| quantity.value() > 0))
}

/// Where a container asks for a resource: its limit, else its request.
pub(super) fn resource_path(pod: &Pod<'_>, container: &Container<'_>, key: &str) -> Path {
    let block = if container.limit(key).is_some() {
        "limits"
    } else {
        "requests"
    };
    pod.container_path(container).keys(["resources", block]).name(key)
}

/// Where the size of `/dev/shm` is decided: the volume's `sizeLimit`, or the container's memory limit.
pub(super) fn shm_size_path(cx: &Cx<'_>, pod: &Pod<'_>, ray: &Container<'_>) -> Path {
    match shm(pod, ray, cx.kuberay()) {
        Shm::Memory(index, _) => pod
            .spec_path()
            .key("volumes")
            .index(index)
            .keys(["emptyDir", "sizeLimit"]),
        _ => resource_path(pod, ray, "memory"),
    }
}
