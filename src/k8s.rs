//! Kubernetes facts that hold for any object: paths, fields, quantities, names, images, nodes, tolerations, the Pod Security
//! Standards.

pub mod duration;
pub mod glob;
pub mod image;
pub mod json;
pub mod names;
pub mod node_selector;
pub mod nodes;
pub mod path;
pub mod pod_security;
pub mod quantity;
pub mod selector;
pub mod toleration;

/// The longest piece of user text that an error of this module repeats, in characters.
const SHOWN: usize = 64;
