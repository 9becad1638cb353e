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
    for image in in_runtime_env(job).unwrap_or_default() {
        visit(&image, Place::RuntimeEnv);
    }
}

/// A runtime environment in which KubeRay's reader may find images that this one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The images of `runtimeEnvYAML`.
///
/// # Errors
/// [`Unreadable`] where the text cannot be read, merges another mapping in, or has an image that is no plain text.
pub fn in_runtime_env(job: &RayJob<'_>) -> Result<Vec<String>, Unreadable> {
    const MERGE: &str = "<<";
    let Some(written) = text(job.spec, "runtimeEnvYAML").filter(|text| !runtime_env::is_blank(text)) else {
        return Ok(Vec::new());
    };
    let environment = runtime_env::read(written).ok_or(Unreadable)?;
    let containers = ["container", "docker"].map(|key| environment.get(key));
    let containers = containers.into_iter().flatten();
    if containers
        .clone()
        .chain([&environment])
        .any(|node| node.get(MERGE).is_some())
    {
        return Err(Unreadable);
    }
    let images = containers.filter_map(|container| container.get("image"));
    let images = environment.get("image_uri").into_iter().chain(images);
    images
        .map(|image| image.as_str().map(str::to_owned).ok_or(Unreadable))
        .filter(|image| image.as_ref().map_or(true, |image| !image.is_empty()))
        .collect()
}
