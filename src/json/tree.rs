//! The storage of a document.

use super::node::{Kind, Node, Nodes, Span};

/// A JSON document.
///
/// It borrows the text that it was read from. [`Tree::root`] reads it, and [`Tree::root_mut`] edits it.
#[derive(Clone)]
pub struct Tree<'t> {
    pub(super) text: &'t str,
    /// The strings that are not in `text`, one after the other.
    pub(super) owned: String,
    /// The root, then the elements of all arrays and the entries of all objects.
    pub(super) nodes: Nodes,
}

/// Why a tree cannot hold a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It has more than 4 GiB of text, or more than 2³² values and keys.
    #[error("the JSON document is too large")]
    TooLarge,
    /// Two readers may choose different values for such a key.
    #[error("a key stands twice in one object")]
    DuplicateKey,
}

/// The index of the root.
pub(super) const ROOT: usize = 0;

/// Objects with more entries are searched by halves.
const FEW: usize = 8;

impl<'t> Tree<'t> {
    /// The document `null`.
    pub(super) const NULL: Tree<'static> = Tree {
        text: "",
        owned: String::new(),
        nodes: Nodes::EMPTY,
    };

    /// The document `null`, with room for this many nodes.
    pub(super) fn with_capacity(text: &'t str, nodes: usize) -> Tree<'t> {
        let mut tree = Tree {
            text,
            owned: String::new(),
            nodes: Nodes::with_capacity(nodes + 1),
        };
        tree.nodes.push(Node::NULL);
        tree
    }

    /// The text of a string or a key; nothing for any other node.
    #[inline]
    pub(super) fn string(&self, node: Node) -> Option<&str> {
        let text = match node.kind {
            Kind::Text => self.text,
            Kind::Owned => &self.owned,
            _ => return None,
        };
        text.get(node.span.start()..node.span.start() + node.span.len())
    }

    /// The same as bytes, which needs no look at the borders of characters.
    #[inline]
    pub(super) fn bytes(&self, node: Node) -> &[u8] {
        let text = match node.kind {
            Kind::Text => self.text,
            Kind::Owned => &self.owned,
            _ => return &[],
        };
        let bytes = text
            .as_bytes()
            .get(node.span.start()..node.span.start() + node.span.len());
        bytes.unwrap_or_default()
    }

    /// The index of the value under a key.
    #[inline]
    pub(super) fn find(&self, entries: Span, key: &str) -> Option<usize> {
        if entries.len() > FEW {
            return self.position(entries, key).ok().map(|entry| value_of(entries, entry));
        }
        let key = key.as_bytes();
        (0..entries.len())
            .find(|entry| {
                let node = self.nodes.get(key_of(entries, *entry));
                node.span.len() == key.len() && self.bytes(node) == key
            })
            .map(|entry| value_of(entries, entry))
    }

    /// The entry with a key, or where it belongs.
    pub(super) fn position(&self, entries: Span, key: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, entries.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.bytes(self.nodes.get(key_of(entries, middle))).cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

/// The document `null`.
impl Default for Tree<'_> {
    fn default() -> Self {
        Tree::with_capacity("", 0)
    }
}

/// The index of an entry's key.
#[inline]
pub(super) fn key_of(entries: Span, entry: usize) -> usize {
    entries.start() + 2 * entry
}

/// The index of an entry's value.
#[inline]
pub(super) fn value_of(entries: Span, entry: usize) -> usize {
    key_of(entries, entry) + 1
}

/// The part of a text or of the nodes that begins at an index.
pub(super) fn span(at: usize, len: usize) -> Result<Span, BuildError> {
    match (u32::try_from(at), u32::try_from(len)) {
        (Ok(at), Ok(len)) => Ok(Span { at, len }),
        _ => Err(BuildError::TooLarge),
    }
}
