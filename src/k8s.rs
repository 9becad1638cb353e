//! Kubernetes facts that need no cluster: quantities, image references and name rules.

pub mod image;
pub mod names;
pub mod quantity;
