//! The commands.

pub mod certs;
pub mod manifests;
