//! Patterns over normalised image references.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{DOCKER_HUB, Image, OFFICIAL, OLD_DOCKER_HUB};
use super::{digest_length, is_digest, is_host_label, is_ipv6, is_port, is_tag_byte};
use super::{looks_like_registry, split_off, split_port};
use crate::diag::shorten;
use crate::k8s::SHOWN;
use crate::k8s::glob::{Glob, fits_in_order};

/// A pattern such as `ghcr.io/my-org/**`, `docker.io/library/python:3.*` or `*.dkr.ecr.*.amazonaws.com/team/*`.
///
/// A pattern covers the whole normalised reference, never a part of it. `*` stands for any characters but `/`, in a
/// registry also not `:`; `**` stands for any number of whole components, at least one at the end; a leading `**/`
/// is any registry, and `**` alone any image. Short names mean Docker Hub, as they do in a reference.
///
/// Without a tag, every tag and digest matches. With one, a reference must have a tag that matches (`latest` where
/// it has neither tag nor digest), and no digest, which would make a runtime ignore the tag: `python:3.*@sha256:*`
/// covers those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePattern {
    text: String,
    /// `None` is any registry.
    registry: Option<Registry>,
    path: Vec<Component>,
    tag: Option<Glob>,
    digest: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Registry {
    host: Glob,
    port: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Component {
    /// `**`: any number of components, none included.
    Any,
    Glob(Glob),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Digest {
    /// `sha256:*`; the algorithm with its colon.
    Algorithm(String),
    Exact(String),
}

/// Why a text is no pattern over image references.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot read `{seen}` as an image pattern: {problem}")]
pub struct ImagePatternError {
    seen: String,
    problem: String,
}

impl ImagePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When no reference could match it, or when it doesn't say clearly which registry it means.
    pub fn parse(text: &str) -> Result<Self, ImagePatternError> {
        read(text).map_err(|problem| ImagePatternError {
            seen: shorten(text, SHOWN),
            problem,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern covers a reference. Registries are compared without regard to case, as host names are.
    pub fn matches(&self, image: &Image<'_>) -> bool {
        self.registry
            .as_ref()
            .is_none_or(|registry| registry.matches(image.registry()))
            && path_matches(&self.path, image.repository())
            && self.version_matches(image)
    }

    fn version_matches(&self, image: &Image<'_>) -> bool {
        let digest_fits = match (&self.digest, image.digest()) {
            (None, None) => true,
            (None, Some(_)) => self.tag.is_none(),
            (Some(_), None) => false,
            (Some(Digest::Algorithm(algorithm)), Some(digest)) => digest.starts_with(algorithm.as_str()),
            (Some(Digest::Exact(wanted)), Some(digest)) => digest == wanted,
        };
        let default = image.digest().is_none().then_some("latest");
        digest_fits
            && self
                .tag
                .as_ref()
                .is_none_or(|glob| image.tag().or(default).is_some_and(|tag| glob.matches(tag)))
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ImagePattern {
    type Err = ImagePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Registry {
    fn matches(&self, registry: &str) -> bool {
        let (host, port) = split_port(registry);
        self.port.as_deref() == port && self.host.matches(&host.to_ascii_lowercase())
    }
}

fn read(text: &str) -> Result<ImagePattern, String> {
    if text.is_empty() {
        return Err("it is empty; `**` is any image".to_owned());
    }
    if let Some((_, rest)) = text.split_once("://") {
        return Err(format!("a reference has no scheme; write `{}`", shorten(rest, SHOWN)));
    }
    let (named, digest) = split_off(text, '@');
    let digest = digest.map(read_digest).transpose()?;
    let (first, rest) = split_off(named, '/');
    let (registry, path) = match rest {
        _ if first == "**" || first.starts_with("**:") => (None, named),
        Some(rest) if looks_like_registry(first) => (Some(read_registry(first)?), rest),
        Some(_) if first.contains('*') => {
            return Err(format!(
                "`{first}` may be a registry or Docker Hub's namespace; write `**/` for any registry, or \
                 `docker.io/{first}/`",
                first = shorten(first, SHOWN)
            ));
        }
        Some(_) => (Some(docker_hub()), named),
        None => (Some(docker_hub()), check_short_name(first)?),
    };
    let (path, tag) = split_off(path, ':');
    let tag = tag.map(read_tag).transpose()?;
    let on_docker_hub = registry.as_ref().is_some_and(|registry| *registry == docker_hub());
    let path = read_path(path, on_docker_hub)?;
    Ok(ImagePattern {
        text: text.to_owned(),
        registry,
        path,
        tag,
        digest,
    })
}

fn docker_hub() -> Registry {
    Registry {
        host: Glob::new(DOCKER_HUB),
        port: None,
    }
}

/// A name without a slash is an official image of Docker Hub, which isn't what these mean.
fn check_short_name(name: &str) -> Result<&str, String> {
    let (bare, _) = split_off(name, ':');
    if bare == "*" {
        return Err("`*` alone is unclear; write `**` for any image, or `docker.io/library/*`".to_owned());
    }
    if looks_like_registry(bare) {
        return Err(format!(
            "it names no repository; write `{}/**` for all of that registry",
            shorten(name, SHOWN)
        ));
    }
    Ok(name)
}

fn read_registry(text: &str) -> Result<Registry, String> {
    let (host, port) = split_port(text);
    // With a letter for each star, the rest can be checked as in a reference.
    let sample = host.replace('*', "x");
    let valid = is_port(port) && !host.contains("**") && (is_ipv6(host) || sample.split('.').all(is_host_label));
    if !valid {
        return Err(format!(
            "`{}` is not a registry's host name with an optional port",
            shorten(text, SHOWN)
        ));
    }
    let host = host.to_ascii_lowercase();
    if host == OLD_DOCKER_HUB && port.is_none() {
        return Ok(docker_hub());
    }
    Ok(Registry {
        host: Glob::new(&host),
        port: port.map(str::to_owned),
    })
}

fn read_path(path: &str, on_docker_hub: bool) -> Result<Vec<Component>, String> {
    let mut components = Vec::new();
    if on_docker_hub && !path.contains('/') && path != "**" {
        components.push(Component::Glob(Glob::new(OFFICIAL)));
    }
    for text in path.split('/') {
        components.push(read_component(text)?);
    }
    if components.last() == Some(&Component::Any) {
        components.push(Component::Glob(Glob::new("*")));
    }
    Ok(components)
}

fn read_component(text: &str) -> Result<Component, String> {
    if text == "**" {
        return Ok(Component::Any);
    }
    if text.is_empty() {
        return Err("a slash needs a name on both sides; `/**` at the end covers all below it".to_owned());
    }
    if text.contains("**") {
        return Err(format!(
            "`**` stands for whole components, so `{}` must be split by slashes",
            shorten(text, SHOWN)
        ));
    }
    if text.contains(char::is_uppercase) {
        return Err(format!(
            "`{}` has upper case letters, repositories are lower case",
            shorten(text, SHOWN)
        ));
    }
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-*".contains(&byte);
    if !text.bytes().all(is_allowed) {
        return Err(format!(
            "`{}` may have only a-z 0-9 . _ - and the wildcard *",
            shorten(text, SHOWN)
        ));
    }
    Ok(Component::Glob(Glob::new(text)))
}

fn read_tag(text: &str) -> Result<Glob, String> {
    if text.is_empty() || text.contains("**") || !text.bytes().all(|byte| is_tag_byte(byte) || byte == b'*') {
        return Err(format!(
            "the tag `{}` may have only A-Z a-z 0-9 _ . - and the wildcard *",
            shorten(text, SHOWN)
        ));
    }
    Ok(Glob::new(text))
}

fn read_digest(text: &str) -> Result<Digest, String> {
    if is_digest(text) {
        return Ok(Digest::Exact(text.to_owned()));
    }
    match text.strip_suffix('*') {
        Some(algorithm) if algorithm.strip_suffix(':').and_then(digest_length).is_some() => {
            Ok(Digest::Algorithm(algorithm.to_owned()))
        }
        _ => Err(format!(
            "the digest `{}` must be complete, or `sha256:*` for any",
            shorten(text, SHOWN)
        )),
    }
}

/// Matches whole components.
fn path_matches(pattern: &[Component], path: &str) -> bool {
    let fits = |wanted: &&Component, seen: &&str| match wanted {
        Component::Any => false,
        Component::Glob(glob) => glob.matches(seen),
    };
    fits_in_order(
        pattern.iter(),
        path.split('/'),
        |wanted| **wanted == Component::Any,
        fits,
    )
}
