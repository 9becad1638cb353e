//! Kubernetes' rules for names, label keys and values, and the names of resources.
//!
//! The name rules are those of `k8s.io/apimachinery/pkg/util/validation` v0.37, the resource rules those of
//! `k8s.io/kubernetes/pkg/apis/core/v1/helper` v1.37; `tests/quantity_go.rs` compares them.

use thiserror::Error;

use crate::diag::quoted;

/// The longest DNS label, label value, and name part of a label key, in bytes.
pub const LABEL_MAX: usize = 63;

/// The longest DNS subdomain, in bytes.
pub const SUBDOMAIN_MAX: usize = 253;

/// Why a text is not a name of the wanted kind. It reads on after a colon: "`a_b` is not a valid DNS label: `_` is not
/// allowed".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing where something must be.
    #[error("{what} must not be empty")]
    Empty {
        /// What is empty: `it`, or a part of it.
        what: &'static str,
    },
    /// Longer than allowed.
    #[error("{what} has {length} bytes, the limit is {max}")]
    TooLong {
        /// What is too long: `it`, or a part of it.
        what: &'static str,
        /// Bytes seen.
        length: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A character that this kind of name does not have.
    #[error("{} is not allowed{within}", character_shown(*character))]
    Character {
        /// The character.
        character: char,
        /// The part that it is in, with a blank in front; empty for the whole text.
        within: &'static str,
        /// The characters allowed.
        allowed: &'static str,
    },
    /// A first character that is only allowed further on.
    #[error("{what} must start with {allowed}")]
    Start {
        /// What starts so: `it`, or a part of it.
        what: &'static str,
        /// The characters allowed there.
        allowed: &'static str,
    },
    /// A last character that is only allowed further in front.
    #[error("{what} must end with {allowed}")]
    End {
        /// What ends so: `it`, or a part of it.
        what: &'static str,
        /// The characters allowed there.
        allowed: &'static str,
    },
    /// More than one slash.
    #[error("it has {slashes} slashes; at most one is allowed, between a DNS name and the rest")]
    Slashes {
        /// Slashes seen.
        slashes: usize,
    },
    /// A resource name that belongs to Kubernetes, or has no domain.
    #[error("it must start with a vendor's domain, as in `nvidia.com/gpu`")]
    NotExtended,
    /// A resource name with the prefix that quotas use.
    #[error("it starts with `requests.`, which is reserved for quotas")]
    QuotaPrefix,
}

impl NameError {
    /// The error, and the characters that are allowed where another one was seen.
    pub fn with_advice(&self) -> String {
        match self {
            NameError::Character { allowed, .. } => format!("{self}; use {allowed}"),
            _ => self.to_string(),
        }
    }
}

fn character_shown(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        character => quoted(character.encode_utf8(&mut [0; 4])),
    }
}

/// What errors call the text in which they are.
#[derive(Clone, Copy)]
struct Part {
    what: &'static str,
    /// One of its parts between dots.
    between_dots: &'static str,
    within: &'static str,
}

const WHOLE: Part = Part {
    what: "it",
    between_dots: "each part between dots",
    within: "",
};

const BEFORE_SLASH: Part = Part {
    what: "the part before the slash",
    between_dots: "each part between dots before the slash",
    within: " before the slash",
};

const AFTER_SLASH: Part = Part {
    what: "the part after the slash",
    between_dots: "",
    within: " after the slash",
};

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
    first_text: "a lowercase letter or digit",
    last: lower_or_digit,
    last_text: "a lowercase letter or digit",
    inner: |byte| lower_or_digit(byte) || byte == b'-',
    inner_text: "lowercase letters, digits and `-`",
};

const DNS_1123_DOTTED: Alphabet = Alphabet {
    inner_text: "lowercase letters, digits, `-` and `.`",
    ..DNS_1123
};

const DNS_1035: Alphabet = Alphabet {
    first: |byte| byte.is_ascii_lowercase(),
    first_text: "a lowercase letter",
    ..DNS_1123
};

const QUALIFIED: Alphabet = Alphabet {
    first: |byte| byte.is_ascii_alphanumeric(),
    first_text: "a letter or digit",
    last: |byte| byte.is_ascii_alphanumeric(),
    last_text: "a letter or digit",
    inner: |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    inner_text: "letters, digits, `-`, `_` and `.`",
};

/// A DNS label by RFC 1123, such as the name of a container or namespace.
///
/// # Errors
/// When it is empty, longer than 63 bytes, or has a character where it may not stand.
pub fn dns1123_label(text: &str) -> Result<(), NameError> {
    bounded(text, WHOLE, LABEL_MAX)?;
    spelled(text, WHOLE.what, WHOLE.within, &DNS_1123)
}

/// A DNS label by RFC 1035, which starts with a letter, such as the name of a Service.
///
/// # Errors
/// When it is empty, longer than 63 bytes, or has a character where it may not stand.
pub fn dns1035_label(text: &str) -> Result<(), NameError> {
    bounded(text, WHOLE, LABEL_MAX)?;
    spelled(text, WHOLE.what, WHOLE.within, &DNS_1035)
}

/// DNS labels joined by dots, such as the name of most objects. One label alone may have more than 63 bytes.
///
/// # Errors
/// When it is empty, longer than 253 bytes, or has a character where it may not stand.
pub fn dns1123_subdomain(text: &str) -> Result<(), NameError> {
    subdomain(text, WHOLE)
}

/// The key of a label or annotation, also called a qualified name: an optional DNS name and slash, and a name.
///
/// # Errors
/// When a part is empty, too long, or has a character where it may not stand.
pub fn label_key(text: &str) -> Result<(), NameError> {
    let (name, part) = match text.split_once('/') {
        None => (text, WHOLE),
        Some((_, name)) if name.contains('/') => {
            return Err(NameError::Slashes {
                slashes: text.matches('/').count(),
            });
        }
        Some((prefix, name)) => {
            subdomain(prefix, BEFORE_SLASH)?;
            (name, AFTER_SLASH)
        }
    };
    bounded(name, part, LABEL_MAX)?;
    spelled(name, part.what, part.within, &QUALIFIED)
}

/// The value of a label, which may be empty.
///
/// # Errors
/// When it is longer than 63 bytes or has a character where it may not stand.
pub fn label_value(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Ok(());
    }
    bounded(text, WHOLE, LABEL_MAX)?;
    spelled(text, WHOLE.what, WHOLE.within, &QUALIFIED)
}

/// The name of a resource that a vendor defines, such as `nvidia.com/gpu` (Kubernetes' `IsExtendedResourceName`).
///
/// # Errors
/// When the name has no domain or Kubernetes' own, is reserved for quotas, or is not spelled as a key. Its domain
/// has at most 244 bytes, because quotas put `requests.` in front.
pub fn extended_resource_name(text: &str) -> Result<(), NameError> {
    const QUOTA_PREFIX: &str = "requests.";
    if is_native_resource(text) {
        return Err(NameError::NotExtended);
    }
    if text.starts_with(QUOTA_PREFIX) {
        return Err(NameError::QuotaPrefix);
    }
    label_key(text)?;
    let domain = text.split_once('/').map_or("", |(domain, _)| domain);
    bounded(domain, BEFORE_SLASH, SUBDOMAIN_MAX - QUOTA_PREFIX.len())
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

fn lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn subdomain(text: &str, part: Part) -> Result<(), NameError> {
    bounded(text, part, SUBDOMAIN_MAX)?;
    let what = if text.contains('.') {
        part.between_dots
    } else {
        part.what
    };
    for label in text.split('.') {
        if label.is_empty() {
            return Err(NameError::Empty { what });
        }
        spelled(label, what, part.within, &DNS_1123_DOTTED)?;
    }
    Ok(())
}

fn bounded(text: &str, part: Part, max: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty { what: part.what }),
        length if length > max => Err(NameError::TooLong {
            what: part.what,
            length,
            max,
        }),
        _ => Ok(()),
    }
}

/// Checks each character of a text, which errors call `what`, and the place of a character `within`.
fn spelled(text: &str, what: &'static str, within: &'static str, alphabet: &Alphabet) -> Result<(), NameError> {
    let is = |test: fn(u8) -> bool, character: char| u8::try_from(character).is_ok_and(test);
    if let Some(character) = text.chars().find(|character| !is(alphabet.inner, *character)) {
        return Err(NameError::Character {
            character,
            within,
            allowed: alphabet.inner_text,
        });
    }
    if text.chars().next().is_some_and(|first| !is(alphabet.first, first)) {
        return Err(NameError::Start {
            what,
            allowed: alphabet.first_text,
        });
    }
    if text.chars().next_back().is_some_and(|last| !is(alphabet.last, last)) {
        return Err(NameError::End {
            what,
            allowed: alphabet.last_text,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
