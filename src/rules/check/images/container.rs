//! The image of a container.

use crate::k8s::json::text;
use crate::ray::container::Slot;
use crate::ray::{Container, Pod};

/// The image of a container, empty where it has none.
pub(super) fn image<'a>(container: &Container<'a>) -> &'a str {
    text(container.value, "image").unwrap_or_default()
}

/// How a Flyte task says which image a container runs: that of the Ray container is the task's.
pub(super) fn flyte_setting(pod: &Pod<'_>, container: &Container<'_>) -> String {
    if container.index == 0 && container.slot == Slot::Main {
        "@task(container_image=…)".to_owned()
    } else {
        crate::ray::flyte::setting(pod, "pod_template=PodTemplate(…)")
    }
}
