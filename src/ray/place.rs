//! The places of a Ray object that can hold a container, an image, a device, a volume or a privilege.

use std::borrow::Cow;

use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::k8s::path::Path;
use crate::yaml::Node;

use super::container::Container;
use super::kind::{Kind, SERVE_CONFIG};
use super::pod::Pod;
use super::runtime_env;

/// A place of a Ray object.
#[derive(Clone, Copy, Debug)]
pub enum Place<'w, 'a> {
    /// A pod: its host namespaces, its `resources`, `overhead` and `resourceClaims`, its metadata.
    Pod(&'w Pod<'a>),
    /// A container of a pod, written by the author or added by KubeRay.
    Container(&'w Pod<'a>, &'w Container<'a>),
    /// The volume at this position.
    Volume(&'w Pod<'a>, usize, Json<'a>),
    /// `runtimeEnvYAML` of an object of this kind. Ray starts the workers in the image that it names (Ray 2.52,
    /// `runtime_env/image_uri.py`).
    RuntimeEnv(&'static Kind, &'a str),
    /// `serveConfigV2`: the runtime environments of its applications and deployments.
    ServeConfig(&'a str),
}

/// A runtime environment in which KubeRay's reader may find images that this one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl<'a> Pod<'a> {
    /// Every place of the pod: the pod itself, its containers, its volumes.
    pub fn places(&self) -> impl Iterator<Item = Place<'_, 'a>> {
        let volumes = items(self.spec, "volumes").iter().enumerate();
        std::iter::once(Place::Pod(self))
            .chain(self.everywhere().map(|container| Place::Container(self, container)))
            .chain(volumes.map(|(index, volume)| Place::Volume(self, index, volume)))
    }
}

impl<'a> Place<'_, 'a> {
    /// Where it is.
    pub fn path(&self) -> Path {
        match self {
            Place::Pod(pod) => pod.template_path(),
            Place::Container(pod, container) => pod.container_path(container),
            Place::Volume(pod, index, _) => pod.spec_path().then_key("volumes").then_index(*index),
            Place::RuntimeEnv(kind, _) => kind.job_path().then_key("runtimeEnvYAML"),
            Place::ServeConfig(_) => Path::of(["spec", SERVE_CONFIG]),
        }
    }

    /// Where its image is.
    pub fn image_path(&self) -> Path {
        match self {
            Place::Pod(_) | Place::RuntimeEnv(..) | Place::ServeConfig(_) => self.path(),
            Place::Container(..) => self.path().then_key("image"),
            Place::Volume(..) => self.path().then_key("image").then_key("reference"),
        }
    }

    /// The images that it names, none of them empty.
    ///
    /// # Errors
    /// [`Unreadable`] if the runtime environment cannot be read, merges another mapping in, or has an image that is not
    /// plain text.
    pub fn images(&self) -> Result<impl Iterator<Item = Cow<'a, str>> + use<'a>, Unreadable> {
        let (one, more) = match self {
            Place::Pod(_) => (None, Vec::new()),
            Place::Container(_, container) => (text(container.value, "image"), Vec::new()),
            Place::Volume(_, _, volume) => (text(child(*volume, "image"), "reference"), Vec::new()),
            Place::RuntimeEnv(_, written) => (None, in_runtime_env(written)?),
            Place::ServeConfig(written) => (None, in_serve_config(written)?),
        };
        let one = one.filter(|image| !image.is_empty()).map(Cow::Borrowed);
        Ok(one.into_iter().chain(more.into_iter().map(Cow::Owned)))
    }
}

fn in_runtime_env(written: &str) -> Result<Vec<String>, Unreadable> {
    in_environment(&runtime_env::read(written).ok_or(Unreadable)?)
}

/// The images of all runtime environments, wherever they are: Ray accepts one for an application and for the actors of a
/// deployment (Ray 2.52, `serve/schema.py`).
fn in_serve_config(written: &str) -> Result<Vec<String>, Unreadable> {
    let config = runtime_env::read(written).ok_or(Unreadable)?;
    let mut images = Vec::new();
    let mut left = vec![&config];
    while let Some(node) = left.pop() {
        for entry in node.as_mapping().unwrap_or_default() {
            match entry.key.text.as_str() {
                runtime_env::MERGE => return Err(Unreadable),
                "runtime_env" => images.extend(in_environment(&entry.value)?),
                _ => left.push(&entry.value),
            }
        }
        left.extend(node.as_sequence().unwrap_or_default());
    }
    Ok(images)
}

fn in_environment(environment: &Node) -> Result<Vec<String>, Unreadable> {
    let containers = ["container", "docker"].map(|key| environment.get(key));
    let containers = containers.into_iter().flatten();
    // Ray puts these words before the image in the command line of podman, which takes the first word without a dash for it
    // (Ray 2.52.1, `runtime_env/image_uri.py`).
    let mut options = containers.clone().filter_map(|container| container.get("run_options"));
    if options.any(|options| options.as_sequence().is_none_or(|options| !options.is_empty()))
        || containers
            .clone()
            .chain([environment])
            .any(|node| node.get(runtime_env::MERGE).is_some())
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
