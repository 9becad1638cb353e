//! What Ray, KubeRay and Flyte do with a Ray object: its model, the versions' behaviour, Flyte's identity and names.

pub mod build;
pub mod container;
pub mod crd;
pub mod cron_job;
pub mod defaults;
pub mod deletion;
pub mod device;
pub mod downloads;
pub mod effective;
pub mod facts;
pub mod flyte;
pub mod go_yaml;
pub mod kind;
pub mod memory;
pub mod place;
pub mod pod;
pub mod release;
pub mod runtime_env;
pub mod schedule;
pub mod serve_config;
pub mod shell;
pub mod told;
pub mod uri;
pub mod version;
pub mod workload;

pub use container::{Container, Resource};
pub use kind::{Kind, Kinds};
pub use place::Place;
pub use pod::{Pod, Role};
pub use version::KubeRay;
pub use workload::Workload;
