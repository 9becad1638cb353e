//! Kubernetes facts that hold for any object: paths, fields, quantities, names, images, tolerations.

pub mod image;
pub mod json;
pub mod names;
pub mod path;
pub mod quantity;
pub mod text;
pub mod toleration;
