//! A leaf that a policy sets.

use std::sync::Arc;

use serde_json::Value;

use super::origin::Origin;

/// A leaf that a policy sets.
#[derive(Clone, Debug)]
pub struct SetLeaf {
    /// The keys down to it, beginning with `defaults`, `force`, `limits`, `actions` or `roll`.
    pub path: Vec<String>,
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub origin: Arc<Origin>,
}
