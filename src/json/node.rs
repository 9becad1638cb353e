//! Nodes, and the chunks that store them.

/// One value, or one key of an object.
///
/// Plain fields are copied in fewer steps than the variants of an enum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Of an array and an object.
    pub(super) room: Room,
    /// Where a string, or what is in an array or an object, is. The 64 bits of a number; whether a boolean is `true`.
    pub(super) span: Span,
}

const _: () = assert!(size_of::<Node>() == 12);

/// What a node is, and so what its span means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    /// An integer that is not negative.
    Unsigned,
    /// A negative integer: the bits of an `i64`.
    Negative,
    /// The bits of a finite `f64`.
    Float,
    /// A string in the text that the tree was read from.
    Text,
    /// A string in the tree's own text.
    Owned,
    /// The elements of an array lie next to each other.
    Array,
    /// The entries of an object lie next to each other: each key, followed by its value.
    Object,
}

/// A part of a text, in bytes, or of the nodes, in elements or entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The first byte or node.
    pub(super) at: u32,
    pub(super) len: u32,
}

/// How many elements have room where the elements of an array or the entries of an object lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Those that are there.
    Exact,
    /// As many as the next power of two, and at least [`Room::LEAST`]: an edit has moved them.
    Spare,
}

impl Node {
    pub(super) const NULL: Node = Node::new(Kind::Null, Span { at: 0, len: 0 });

    #[inline]
    pub(super) const fn new(kind: Kind, span: Span) -> Node {
        Node {
            kind,
            room: Room::Exact,
            span,
        }
    }

    #[inline]
    pub(super) fn of_bits(kind: Kind, bits: u64) -> Node {
        #[expect(clippy::cast_possible_truncation, reason = "each half has 32 bits")]
        let span = Span {
            at: (bits >> 32) as u32,
            len: bits as u32,
        };
        Node::new(kind, span)
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        u64::from(self.span.at) << 32 | u64::from(self.span.len)
    }
}

impl Span {
    #[inline]
    pub(super) fn start(self) -> usize {
        self.at as usize
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

impl Room {
    const LEAST: usize = 4;

    /// How many elements have room where this many are.
    pub(super) fn capacity(self, len: usize) -> usize {
        match self {
            Room::Exact => len,
            Room::Spare => len.next_power_of_two().max(Room::LEAST),
        }
    }
}

/// Nodes in chunks. A full chunk never moves, so that growth needs no second copy of the nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    /// The chunks of [`CHUNK`] nodes.
    full: Vec<Vec<Node>>,
    /// The nodes after them, always fewer.
    last: Vec<Node>,
}

/// The nodes of a chunk: 12 KiB, more than an ordinary RayJob has.
const CHUNK: usize = 1024;

impl Nodes {
    pub(super) const EMPTY: Nodes = Nodes {
        full: Vec::new(),
        last: Vec::new(),
    };

    /// No nodes, with room for about this many before the first allocation.
    pub(super) fn with_capacity(nodes: usize) -> Nodes {
        Nodes {
            full: Vec::new(),
            last: Vec::with_capacity(nodes.min(CHUNK)),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.full.len() * CHUNK + self.last.len()
    }

    #[inline]
    fn chunk(&self, chunk: usize) -> &[Node] {
        self.full.get(chunk).unwrap_or(&self.last)
    }

    /// The node at an index; null behind the end.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Node {
        let node = self.chunk(at / CHUNK).get(at % CHUNK);
        node.copied().unwrap_or(Node::NULL)
    }

    /// Replaces the node at an index, if there is one.
    pub(super) fn set(&mut self, at: usize, node: Node) {
        let chunk = self.full.get_mut(at / CHUNK).unwrap_or(&mut self.last);
        if let Some(place) = chunk.get_mut(at % CHUNK) {
            *place = node;
        }
    }

    #[inline]
    pub(super) fn push(&mut self, node: Node) {
        self.last.push(node);
        if self.last.len() == CHUNK {
            self.begin_chunk();
        }
    }

    #[cold]
    fn begin_chunk(&mut self) {
        let full = std::mem::replace(&mut self.last, Vec::with_capacity(CHUNK));
        self.full.push(full);
    }

    pub(super) fn pop(&mut self) -> Option<Node> {
        if self.last.is_empty() {
            self.last = self.full.pop()?;
        }
        self.last.pop()
    }

    /// Moves the nodes from an index on to the end of others. Each chunk is freed once its last node is moved.
    pub(super) fn move_to(&mut self, from: usize, others: &mut Nodes) {
        let (chunk, at) = (from / CHUNK, from % CHUNK);
        if chunk < self.full.len() {
            let mut moved = self.full.split_off(chunk).into_iter();
            let last = std::mem::replace(&mut self.last, moved.next().unwrap_or_default());
            others.extend(self.last.get(at..).unwrap_or_default());
            moved.for_each(|nodes| others.extend(&nodes));
            others.extend(&last);
        } else {
            others.extend(self.last.get(at..).unwrap_or_default());
        }
        self.last.truncate(at);
    }

    fn extend(&mut self, nodes: &[Node]) {
        match nodes.split_at_checked(CHUNK - self.last.len()) {
            Some((here, there)) => {
                self.last.extend_from_slice(here);
                self.begin_chunk();
                there.iter().for_each(|node| self.push(*node));
            }
            None => self.last.extend_from_slice(nodes),
        }
    }
}
