//! What Ray, KubeRay and Flyte do with their objects: its shape, the versions' behaviour, Flyte's identity and names.

pub mod defaults;
pub mod device;
pub mod effective;
pub mod facts;
pub mod flyte;
pub mod go_yaml;
pub mod images;
pub mod job;
pub mod memory;
pub mod release;
pub mod runtime_env;
pub mod schedule;
pub mod serve_config;
pub mod shell;
pub mod told;
pub mod version;

pub use job::{Container, Pod, RayJob, Resource, Role};
pub use version::KubeRay;
