//! A reference to an image, and its grammar.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::diag::shorten;
use crate::k8s::SHOWN;

pub(super) const DOCKER_HUB: &str = "docker.io";

pub(super) const OLD_DOCKER_HUB: &str = "index.docker.io";

pub(super) const OFFICIAL: &str = "library";

/// The longest repository, without its registry, in bytes.
pub(super) const REPOSITORY_MAX: usize = 255;

/// The longest tag, in bytes.
pub(super) const TAG_MAX: usize = 128;

/// A reference to an image with what its author left out filled in: `python` is `docker.io/library/python`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<'a> {
    pub(super) registry: &'a str,
    pub(super) repository: Cow<'a, str>,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a str>,
}

/// Why a text is no reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The text is empty.
    #[error("cannot read an empty text as an image: write a name such as ghcr.io/my-org/app:v1")]
    Empty,
    /// A bare image id.
    #[error("cannot read `{seen}` as an image: 64 hexadecimal digits are an image's id, not a name")]
    Id {
        /// The text, shortened.
        seen: String,
    },
    /// What stands before the first slash looks like a registry and is none.
    #[error("cannot read `{seen}` as an image: `{registry}` is not a registry's host name with an optional port")]
    Registry {
        /// The text, shortened.
        seen: String,
        /// The part before the first slash.
        registry: String,
    },
    /// A component of the repository is empty, as after a trailing slash.
    #[error("cannot read `{seen}` as an image: a slash needs a name on both sides, and a tag or digest one before it")]
    EmptyComponent {
        /// The text, shortened.
        seen: String,
    },
    /// A repository with upper case letters.
    #[error("cannot read `{seen}` as an image: `{component}` has upper case letters, repositories are lower case")]
    UpperCase {
        /// The text, shortened.
        seen: String,
        /// The component of the repository.
        component: String,
    },
    /// A component of the repository with other characters.
    #[error(
        "cannot read `{seen}` as an image: `{component}` may have only a-z and 0-9, and between them one `.`, one or \
         two `_`, or any number of `-`"
    )]
    Component {
        /// The text, shortened.
        seen: String,
        /// The component of the repository.
        component: String,
    },
    /// A repository that is too long.
    #[error("cannot read `{seen}` as an image: its repository has {length} bytes, at most 255 are allowed")]
    TooLong {
        /// The text, shortened.
        seen: String,
        /// Bytes seen.
        length: usize,
    },
    /// A tag with the wrong characters or length.
    #[error(
        "cannot read `{seen}` as an image: its tag `{tag}` must be 1 to 128 of A-Z a-z 0-9 _ . - and may not start \
         with `.` or `-`"
    )]
    Tag {
        /// The text, shortened.
        seen: String,
        /// The tag, shortened.
        tag: String,
    },
    /// A digest of an unknown algorithm, or of the wrong length or characters.
    #[error(
        "cannot read `{seen}` as an image: its digest `{digest}` must be sha256, sha384 or sha512, a colon, and 64, \
         96 or 128 lower case hexadecimal digits"
    )]
    Digest {
        /// The text, shortened.
        seen: String,
        /// The digest, shortened.
        digest: String,
    },
}

impl<'a> Image<'a> {
    /// Reads a reference as a node's container runtime does.
    ///
    /// # Errors
    /// When a runtime would refuse it (`InvalidImageName`). A registry that is no host name is refused here already.
    pub fn parse(text: &'a str) -> Result<Self, ImageError> {
        let seen = || shorten(text, SHOWN);
        if text.is_empty() {
            return Err(ImageError::Empty);
        }
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return Err(ImageError::Id { seen: seen() });
        }
        let (registry, rest) = split_registry(text);
        let registry = match registry {
            None | Some(OLD_DOCKER_HUB) => DOCKER_HUB,
            Some(registry) if is_registry(registry) => registry,
            Some(registry) => {
                return Err(ImageError::Registry {
                    seen: seen(),
                    registry: shorten(registry, SHOWN),
                });
            }
        };
        let (named, digest) = split_off(rest, '@');
        let (path, tag) = split_off(named, ':');
        check_repository(path, text)?;
        let repository = if registry == DOCKER_HUB && !path.contains('/') {
            Cow::Owned(format!("{OFFICIAL}/{path}"))
        } else {
            Cow::Borrowed(path)
        };
        if repository.len() > REPOSITORY_MAX {
            return Err(ImageError::TooLong {
                seen: seen(),
                length: repository.len(),
            });
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ImageError::Tag {
                seen: seen(),
                tag: shorten(tag, SHOWN),
            });
        }
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Err(ImageError::Digest {
                seen: seen(),
                digest: shorten(digest, SHOWN),
            });
        }
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
        })
    }

    /// The registry's host, with a port where one is written: `docker.io` unless the reference says otherwise.
    pub fn registry(&self) -> &'a str {
        self.registry
    }

    /// The name within the registry, such as `library/python`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag as written. Without tag and digest a runtime takes `latest`; with a digest it ignores the tag.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The digest with its algorithm, such as `sha256:…`.
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }
}

impl fmt::Display for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// What stands before the first slash is a registry only if it looks like one; else it is Docker Hub's namespace.
pub(super) fn split_registry(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest)) if looks_like_registry(first) => (Some(first), rest),
        _ => (None, text),
    }
}

pub(super) fn looks_like_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.contains(char::is_uppercase)
}

pub(super) fn split_off(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

pub(super) fn is_registry(text: &str) -> bool {
    let (host, port) = split_port(text);
    is_port(port) && (is_ipv6(host) || host.split('.').all(is_host_label))
}

/// The colons of an IPv6 address stand within brackets, so that the last one outside separates the port.
pub(super) fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

pub(super) fn is_port(port: Option<&str>) -> bool {
    port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn is_ipv6(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or_default();
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

pub(super) fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(super) fn check_repository(path: &str, text: &str) -> Result<(), ImageError> {
    for component in path.split('/') {
        let seen = || shorten(text, SHOWN);
        if component.is_empty() {
            return Err(ImageError::EmptyComponent { seen: seen() });
        }
        if component.contains(char::is_uppercase) {
            return Err(ImageError::UpperCase {
                seen: seen(),
                component: shorten(component, SHOWN),
            });
        }
        if !is_component(component) {
            return Err(ImageError::Component {
                seen: seen(),
                component: shorten(component, SHOWN),
            });
        }
    }
    Ok(())
}

/// Letters and digits, joined by `.`, `_`, `__` or any number of `-`.
pub(super) fn is_component(text: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_word)
        && bytes.last().is_some_and(is_word)
        && text
            .split(|character: char| character.is_ascii_lowercase() || character.is_ascii_digit())
            .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-'))
}

pub(super) fn is_tag(text: &str) -> bool {
    text.len() <= TAG_MAX && text.bytes().all(is_tag_byte) && text.starts_with(|c: char| !matches!(c, '.' | '-'))
}

pub(super) fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

pub(super) fn is_digest(text: &str) -> bool {
    let (algorithm, encoded) = split_off(text, ':');
    let length = digest_length(algorithm);
    encoded.is_some_and(|encoded| Some(encoded.len()) == length && encoded.bytes().all(is_lower_hex))
}

pub(super) fn digest_length(algorithm: &str) -> Option<usize> {
    match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    }
}

pub(super) fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
