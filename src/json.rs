//! JSON documents as flat trees, read through one small view.
//!
//! A [`Tree`] holds a document in nodes of 12 bytes. The strings of a document that was read from text stay in that text;
//! only strings with escapes and strings of edits are copied. [`Json`] is a view of one value: two words and a node, which
//! are copied freely and never own anything. [`JsonMut`] edits the tree in place.
//!
//! The keys of each object are unique and sorted, so that a lookup takes logarithmic time, and so that two documents with
//! the same values are written as the same bytes.

mod build;
mod compare;
mod edit;
mod node;
mod read;
mod tree;
mod view;
mod write;

#[cfg(test)]
mod tests;

/// The document of a literal, as `serde_json::json!` writes it.
#[cfg(test)]
macro_rules! document {
    ($($json:tt)+) => {
        $crate::json::Tree::of(&serde_json::json!($($json)+)).unwrap()
    };
}

#[cfg(test)]
pub(crate) use document;

pub use build::{Builder, Source};
pub use edit::{EditError, JsonMut};
pub use read::{ReadError, Reading};
pub use tree::{BuildError, Tree};
pub use view::{Array, Elements, Entries, Json, Object, View};
