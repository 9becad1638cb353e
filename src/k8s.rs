//! Kubernetes facts that hold for any object: paths, quantities, names, images, tolerations, the Pod Security Standards.

pub mod image;
pub mod names;
pub mod path;
pub mod pod_security;
pub mod quantity;
pub mod text;
pub mod toleration;
