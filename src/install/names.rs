//! The names of raygate's own objects.

/// The name of both webhook configurations.
pub const CONFIGURATION: &str = "admission.raygate.dev";
