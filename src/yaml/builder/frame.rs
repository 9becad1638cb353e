//! Collections under construction.

use crate::diag::Span;
use crate::yaml::node::{Entry, Key, Node, Style};

/// A collection whose end has not come.
pub(super) struct Frame {
    /// Its first byte in the piece.
    pub(super) start: usize,
    pub(super) style: Style,
    /// Its anchor, 0 for none.
    pub(super) anchor: usize,
    pub(super) content: Content,
}

pub(super) enum Content {
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>, Pending),
}

/// What a mapping waits for.
pub(super) enum Pending {
    Key,
    Value(Key),
    /// The value of a key that cannot be one, which is dropped.
    Nothing,
}

/// A finished value with an anchor.
pub(super) struct Anchored {
    pub(super) node: Node,
    pub(super) count: usize,
    pub(super) height: usize,
}

impl Content {
    pub(super) fn sequence() -> Self {
        Self::Sequence(Vec::new())
    }

    pub(super) fn mapping() -> Self {
        Self::Mapping(Vec::new(), Pending::Key)
    }

    /// The spans of the first and the last thing in it.
    pub(super) fn extent(&self) -> Option<(Span, Span)> {
        match self {
            Self::Sequence(items) => Some((items.first()?.span, items.last()?.span)),
            Self::Mapping(entries, _) => Some((entries.first()?.key.span, entries.last()?.value.span)),
        }
    }
}
