//! Every image that a RayJob names, wherever it stands.

use crate::k8s::path::Path;

use super::job::{Container, Pod, RayJob, items, text};
use super::runtime_env;

/// Where an image stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'j, 'a> {
    /// A container of a pod; the autoscaler's options are one too.
    Container(&'j Pod<'a>, &'j Container<'a>),
    /// `image.reference` of the volume at this position.
    Volume(&'j Pod<'a>, usize),
    /// `runtimeEnvYAML`: Ray starts the workers in the image (Ray 2.52, `runtime_env/image_uri.py`).
    RuntimeEnv,
}

impl Place<'_, '_> {
    /// The field.
    pub fn path(&self) -> Path {
        match self {
            Place::Container(pod, container) => pod.container_path(container).then_key("image"),
            Place::Volume(pod, index) => pod
                .spec_path()
                .then_key("volumes")
                .index(*index)
                .keys(["image", "reference"]),
            Place::RuntimeEnv => Path::of(["spec", "runtimeEnvYAML"]),
        }
    }
}

/// Visits every image. A container without one is not visited.
pub fn each<'a>(job: &RayJob<'a>, visit: &mut dyn FnMut(&str, Place<'_, 'a>)) {
    for pod in &job.pods {
        for container in pod.everywhere() {
            if let Some(image) = text(container.value, "image").filter(|image| !image.is_empty()) {
                visit(image, Place::Container(pod, container));
            }
        }
        for (index, volume) in items(pod.spec, "volumes").iter().enumerate() {
            let image = volume.get("image").and_then(|image| text(image, "reference"));
            if let Some(image) = image.filter(|image| !image.is_empty()) {
                visit(image, Place::Volume(pod, index));
            }
        }
    }
    let Some(environment) = text(job.spec, "runtimeEnvYAML").and_then(runtime_env::read) else {
        return;
    };
    let below = |key: &str| environment.get(key)?.get("image");
    for image in [environment.get("image_uri"), below("container"), below("docker")] {
        if let Some(image) = image.and_then(|image| image.as_str()).filter(|image| !image.is_empty()) {
            visit(image, Place::RuntimeEnv);
        }
    }
}
