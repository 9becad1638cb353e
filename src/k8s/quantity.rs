//! Amounts of CPU, memory and other resources, with exactly the meaning that Kubernetes gives them.
//!
//! The rules are those of `k8s.io/apimachinery/pkg/api/resource` v0.37, and `tests/quantity_go.rs` compares the two.

mod amount;
mod format;
mod parse;
mod value;

pub use self::format::{bytes_down, bytes_up};
use value::Format;
pub use value::{Quantity, QuantityError};

#[cfg(test)]
mod tests;
