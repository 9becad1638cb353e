//! Kubernetes' rules for names, label keys and values, and the names of resources.
//!
//! The name rules are those of `k8s.io/apimachinery/pkg/util/validation` v0.37, the resource rules those of
//! `k8s.io/kubernetes/pkg/apis/core/v1/helper` v1.37; `tests/quantity_go.rs` compares them.

use thiserror::Error;

/// The longest DNS label, label value, and name part of a label key, in bytes.
pub const LABEL_MAX: usize = 63;

/// The longest DNS subdomain, in bytes.
pub const SUBDOMAIN_MAX: usize = 253;

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing where something must be.
    #[error("{part} must not be empty")]
    Empty {
        /// What is wrong, such as `a label value`.
        part: &'static str,
    },
    /// Longer than allowed.
    #[error("{part} has {length} bytes, at most {max} are allowed")]
    TooLong {
        /// What is wrong.
        part: &'static str,
        /// Bytes seen.
        length: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A character that this kind of name does not have.
    #[error("{part} has {character:?} as character {position}, allowed are {allowed}")]
    Character {
        /// What is wrong.
        part: &'static str,
        /// The character.
        character: char,
        /// Its place, counted in characters from 1.
        position: usize,
        /// The characters allowed.
        allowed: &'static str,
    },
    /// A first or last character that may only stand inside, also around a dot.
    #[error("{part} has {character:?} as character {position}, where only {allowed} may stand")]
    Edge {
        /// What is wrong.
        part: &'static str,
        /// The character.
        character: char,
        /// Its place, counted in characters from 1.
        position: usize,
        /// The characters allowed there.
        allowed: &'static str,
    },
    /// More than one slash.
    #[error("{part} has {slashes} slashes, at most one is allowed: an optional DNS prefix, a slash, a name")]
    Slashes {
        /// What is wrong.
        part: &'static str,
        /// Slashes seen.
        slashes: usize,
    },
    /// A resource name that belongs to Kubernetes, or is none at all.
    #[error("the resource name {seen:?} has no vendor's domain in front, as in `nvidia.com/gpu`")]
    NotExtended {
        /// The name, shortened.
        seen: String,
    },
    /// A resource name with the prefix that quotas use.
    #[error("the resource name {seen:?} starts with `requests.`, which is reserved for quotas")]
    QuotaPrefix {
        /// The name, shortened.
        seen: String,
    },
}

/// The characters of one kind of name.
struct Alphabet {
    first: fn(u8) -> bool,
    first_text: &'static str,
    last: fn(u8) -> bool,
    last_text: &'static str,
    inner: fn(u8) -> bool,
    inner_text: &'static str,
}

const DNS_1123: Alphabet = Alphabet {
    first: lower_or_digit,
    first_text: "a-z and 0-9",
    last: lower_or_digit,
    last_text: "a-z and 0-9",
    inner: |byte| lower_or_digit(byte) || byte == b'-',
    inner_text: "a-z, 0-9 and `-`",
};

const DNS_1123_DOTTED: Alphabet = Alphabet {
    inner_text: "a-z, 0-9, `-` and `.`",
    ..DNS_1123
};

const DNS_1035: Alphabet = Alphabet {
    first: |byte| byte.is_ascii_lowercase(),
    first_text: "a-z",
    ..DNS_1123
};

const QUALIFIED: Alphabet = Alphabet {
    first: |byte| byte.is_ascii_alphanumeric(),
    first_text: "A-Z, a-z and 0-9",
    last: |byte| byte.is_ascii_alphanumeric(),
    last_text: "A-Z, a-z and 0-9",
    inner: |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    inner_text: "A-Z, a-z, 0-9, `-`, `_` and `.`",
};

/// A DNS label by RFC 1123, such as the name of a container or namespace.
///
/// # Errors
/// When it is empty, longer than 63 bytes, or has a character where it may not stand.
pub fn dns1123_label(text: &str) -> Result<(), NameError> {
    let part = "a DNS label";
    bounded(text, part, LABEL_MAX)?;
    spelled(text, 0, part, &DNS_1123)
}

/// A DNS label by RFC 1035, which starts with a letter, such as the name of a Service.
///
/// # Errors
/// When it is empty, longer than 63 bytes, or has a character where it may not stand.
pub fn dns1035_label(text: &str) -> Result<(), NameError> {
    let part = "a DNS label";
    bounded(text, part, LABEL_MAX)?;
    spelled(text, 0, part, &DNS_1035)
}

/// DNS labels joined by dots, such as the name of most objects. One label alone may have more than 63 bytes.
///
/// # Errors
/// When it is empty, longer than 253 bytes, or has a character where it may not stand.
pub fn dns1123_subdomain(text: &str) -> Result<(), NameError> {
    subdomain(text, "a DNS name")
}

/// The key of a label or annotation, also called a qualified name: an optional DNS name and slash, and a name.
///
/// # Errors
/// When a part is empty, too long, or has a character where it may not stand.
pub fn label_key(text: &str) -> Result<(), NameError> {
    let part = "the name part of a key";
    let name = match text.split_once('/') {
        None => text,
        Some((_, name)) if name.contains('/') => {
            return Err(NameError::Slashes {
                part: "a key",
                slashes: text.matches('/').count(),
            });
        }
        Some((prefix, name)) => {
            subdomain(prefix, "the prefix of a key")?;
            name
        }
    };
    bounded(name, part, LABEL_MAX)?;
    spelled(name, 0, part, &QUALIFIED)
}

/// The value of a label, which may be empty.
///
/// # Errors
/// When it is longer than 63 bytes or has a character where it may not stand.
pub fn label_value(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Ok(());
    }
    let part = "a label value";
    bounded(text, part, LABEL_MAX)?;
    spelled(text, 0, part, &QUALIFIED)
}

/// The name of a resource that a vendor defines, such as `nvidia.com/gpu` (Kubernetes' `IsExtendedResourceName`).
///
/// # Errors
/// When the name has no domain or Kubernetes' own, is reserved for quotas, or is not spelled as a key. Its domain
/// has at most 244 bytes, because quotas put `requests.` in front.
pub fn extended_resource_name(text: &str) -> Result<(), NameError> {
    const QUOTA_PREFIX: &str = "requests.";
    if is_native_resource(text) {
        return Err(NameError::NotExtended { seen: shown(text) });
    }
    if text.starts_with(QUOTA_PREFIX) {
        return Err(NameError::QuotaPrefix { seen: shown(text) });
    }
    label_key(text)?;
    let domain = text.split_once('/').map_or("", |(domain, _)| domain);
    bounded(
        domain,
        "the domain of a resource name",
        SUBDOMAIN_MAX - QUOTA_PREFIX.len(),
    )
}

/// Whether a resource name belongs to Kubernetes (`IsNativeResource`): without a slash, or with `kubernetes.io/` in it.
pub fn is_native_resource(text: &str) -> bool {
    !text.contains('/') || text.contains("kubernetes.io/")
}

/// What a key of `resources.requests` and `resources.limits` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// `cpu`.
    Cpu,
    /// `memory`.
    Memory,
    /// `ephemeral-storage`.
    EphemeralStorage,
    /// `hugepages-` and a page size.
    HugePages,
    /// `storage`, which volumes request and containers may not.
    Storage,
    /// A vendor's resource: whole numbers, and the request equals the limit.
    Extended,
    /// A name within `kubernetes.io/`.
    Native,
    /// No resource that the API server would take in a container.
    Unknown,
}

/// What a resource name stands for in a container.
pub fn resource_kind(name: &str) -> ResourceKind {
    match name {
        "cpu" => ResourceKind::Cpu,
        "memory" => ResourceKind::Memory,
        "ephemeral-storage" => ResourceKind::EphemeralStorage,
        "storage" => ResourceKind::Storage,
        _ if label_key(name).is_err() => ResourceKind::Unknown,
        _ if !name.contains('/') && name.starts_with("hugepages-") => ResourceKind::HugePages,
        _ if !name.contains('/') => ResourceKind::Unknown,
        _ if is_native_resource(name) => ResourceKind::Native,
        _ if extended_resource_name(name).is_ok() => ResourceKind::Extended,
        _ => ResourceKind::Unknown,
    }
}

/// Whether KubeRay takes a resource name for a GPU and derives Ray's `num-gpus` from it: it ends with `gpu` or, with
/// `has_mig` (KubeRay 1.4 and later), with `nvidia.com/mig-<n>g.<m>gb`.
pub fn is_gpu_key(name: &str, has_mig: bool) -> bool {
    name.ends_with("gpu") || (has_mig && ends_with_mig_profile(name))
}

fn ends_with_mig_profile(name: &str) -> bool {
    let profile = name.rsplit_once("nvidia.com/mig-").map(|(_, profile)| profile);
    let sizes = profile.and_then(|profile| profile.strip_suffix("gb")?.split_once("g."));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    sizes.is_some_and(|(slices, memory)| is_number(slices) && is_number(memory))
}

/// Text of a user for a message: at most 64 characters, none of which breaks a line or hides.
pub(super) fn shown(text: &str) -> String {
    const MAX: usize = 64;
    let mut shown: String = text.chars().take(MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn subdomain(text: &str, part: &'static str) -> Result<(), NameError> {
    bounded(text, part, SUBDOMAIN_MAX)?;
    let mut start = 0;
    for label in text.split('.') {
        if label.is_empty() {
            // Of two dots in a row the second is wrong, and one at either end is.
            let position = (start + 1).min(text.chars().count());
            return Err(NameError::Edge {
                part,
                character: '.',
                position,
                allowed: DNS_1123.first_text,
            });
        }
        spelled(label, start, part, &DNS_1123_DOTTED)?;
        start += label.chars().count() + 1;
    }
    Ok(())
}

fn bounded(text: &str, part: &'static str, max: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty { part }),
        length if length > max => Err(NameError::TooLong { part, length, max }),
        _ => Ok(()),
    }
}

/// Checks each character of a text that starts after `offset` characters of its part.
fn spelled(text: &str, offset: usize, part: &'static str, alphabet: &Alphabet) -> Result<(), NameError> {
    let is = |test: fn(u8) -> bool, character: char| u8::try_from(character).is_ok_and(test);
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let position = offset + index + 1;
        if !is(alphabet.inner, character) {
            return Err(NameError::Character {
                part,
                character,
                position,
                allowed: alphabet.inner_text,
            });
        }
        if index == 0 && !is(alphabet.first, character) {
            return Err(NameError::Edge {
                part,
                character,
                position,
                allowed: alphabet.first_text,
            });
        }
        if characters.peek().is_none() && !is(alphabet.last, character) {
            return Err(NameError::Edge {
                part,
                character,
                position,
                allowed: alphabet.last_text,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
