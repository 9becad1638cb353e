//! References to container images, and patterns over them for allow lists.
//!
//! The grammar is that of `github.com/distribution/reference` v0.6, which the kubelet uses, Docker Hub's short names
//! included; `tests/quantity_go.rs` compares them.

mod pattern;
mod reference;

pub use self::pattern::{ImagePattern, ImagePatternError};
use reference::{
    DOCKER_HUB, OFFICIAL, OLD_DOCKER_HUB, digest_length, is_digest, is_host_label, is_ipv6, is_port, is_tag_byte,
    looks_like_registry, split_off, split_port,
};
pub use reference::{Image, ImageError};

#[cfg(test)]
mod tests;
