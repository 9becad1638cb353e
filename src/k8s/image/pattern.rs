//! Patterns over normalised image references.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{DOCKER_HUB, Image, OFFICIAL, OLD_DOCKER_HUB};
use super::{digest_length, is_digest, is_host_label, is_ipv6, is_port, is_tag_byte};
use super::{looks_like_registry, split_off, split_port};
use crate::diag::shorten;
use crate::k8s::SHOWN;

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
    tag: Option<String>,
    digest: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Registry {
    host: String,
    port: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Component {
    /// `**`: any number of components, none included.
    Any,
    Glob(String),
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
            && self.tag.as_ref().is_none_or(|glob| {
                image
                    .tag()
                    .or(default)
                    .is_some_and(|tag| glob_matches(glob, tag, |left, right| left == right))
            })
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
        self.port.as_deref() == port && glob_matches(&self.host, host, |left, right| left.eq_ignore_ascii_case(&right))
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
        host: DOCKER_HUB.to_owned(),
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
        host,
        port: port.map(str::to_owned),
    })
}

fn read_path(path: &str, on_docker_hub: bool) -> Result<Vec<Component>, String> {
    let mut components = Vec::new();
    if on_docker_hub && !path.contains('/') && path != "**" {
        components.push(Component::Glob(OFFICIAL.to_owned()));
    }
    for text in path.split('/') {
        components.push(read_component(text)?);
    }
    if components.last() == Some(&Component::Any) {
        components.push(Component::Glob("*".to_owned()));
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
    Ok(Component::Glob(text.to_owned()))
}

fn read_tag(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains("**") || !text.bytes().all(|byte| is_tag_byte(byte) || byte == b'*') {
        return Err(format!(
            "the tag `{}` may have only A-Z a-z 0-9 _ . - and the wildcard *",
            shorten(text, SHOWN)
        ));
    }
    Ok(text.to_owned())
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

/// Matches whole components. On a mismatch only the last `**` can take more, so there is one place to go back to.
fn path_matches(pattern: &[Component], path: &str) -> bool {
    let mut rest = Some(path);
    let mut next = 0;
    let mut last_any: Option<(usize, Option<&str>)> = None;
    loop {
        match (pattern.get(next), rest) {
            (Some(Component::Any), _) => {
                next += 1;
                last_any = Some((next, rest));
                continue;
            }
            (Some(Component::Glob(glob)), Some(path)) => {
                let (component, below) = split_off(path, '/');
                if glob_matches(glob, component, |left, right| left == right) {
                    next += 1;
                    rest = below;
                    continue;
                }
            }
            (None, None) => return true,
            (Some(Component::Glob(_)), None) | (None, Some(_)) => {}
        }
        let Some((after_any, Some(from))) = last_any else {
            return false;
        };
        let (_, below) = split_off(from, '/');
        last_any = Some((after_any, below));
        next = after_any;
        rest = below;
    }
}

/// Matches a text without slashes. On a mismatch only the last star can take more, so that the time is bounded by
/// the product of the two lengths.
fn glob_matches(glob: &str, text: &str, same: fn(u8, u8) -> bool) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let (mut next, mut at) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        match (glob.get(next), text.get(at)) {
            (Some(b'*'), _) => {
                next += 1;
                last_star = Some((next, at));
                continue;
            }
            (Some(&wanted), Some(&seen)) if same(wanted, seen) => {
                next += 1;
                at += 1;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after_star, from)) = last_star.filter(|&(_, from)| from < text.len()) else {
            return false;
        };
        last_star = Some((after_star, from + 1));
        next = after_star;
        at = from + 1;
    }
}
