//! Kubernetes facts that hold for any object: paths, quantities, names, images, tolerations.

pub mod duration;
pub mod image;
pub mod names;
pub mod path;
pub mod quantity;
pub mod text;
pub mod toleration;
