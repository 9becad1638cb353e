//! The Pod Security Standards of Kubernetes: which of their controls a pod violates.
//!
//! The source of every rule is the package `policy` of `k8s.io/pod-security-admission` 0.37 (Kubernetes 1.37), which the
//! API server itself runs. `tests/quantity_go.rs` compares the two on generated pods.

mod controls;
mod pod;
mod profile;

pub use controls::{hosts, restricted_source};
pub use pod::{Container, Pod, Violation};
pub use profile::{Level, Profile, Version};

#[cfg(test)]
mod tests;
