//! Nodes, and the chunks that store them.

/// One value, or one key of an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Node {
    #[default]
    Null,
    Bool(bool),
    /// An integer that is not negative.
    Unsigned(Wide),
    /// A negative integer: the bits of an `i64`.
    Negative(Wide),
    /// The bits of a finite `f64`.
    Float(Wide),
    /// A string in the text that the tree was read from.
    Text(Span),
    /// A string in the tree's own text.
    Owned(Span),
    /// The elements of an array lie next to each other.
    Array(Span, Room),
    /// The entries of an object lie next to each other: each key, followed by its value.
    Object(Span, Room),
}

const _: () = assert!(size_of::<Node>() == 12);

/// 64 bits that do not ask for the alignment of a `u64`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide([u32; 2]);

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

impl Wide {
    pub(super) fn of(bits: u64) -> Wide {
        #[expect(clippy::cast_possible_truncation, reason = "each half has 32 bits")]
        Wide([(bits >> 32) as u32, bits as u32])
    }

    pub(super) fn bits(self) -> u64 {
        let Wide([high, low]) = self;
        u64::from(high) << 32 | u64::from(low)
    }
}

impl Span {
    pub(super) fn start(self) -> usize {
        self.at as usize
    }

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

/// Nodes in chunks. A chunk never moves once the next one is begun, so that growth needs no second copy of the nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    /// All full but the last.
    chunks: Vec<Vec<Node>>,
}

/// The nodes of a chunk: 12 KiB, more than an ordinary RayJob has.
const CHUNK: usize = 1024;

impl Nodes {
    pub(super) const EMPTY: Nodes = Nodes { chunks: Vec::new() };

    /// No nodes, with room for about this many before the first allocation.
    pub(super) fn with_capacity(nodes: usize) -> Nodes {
        Nodes {
            chunks: vec![Vec::with_capacity(nodes.min(CHUNK))],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.chunks
            .split_last()
            .map_or(0, |(last, full)| full.len() * CHUNK + last.len())
    }

    /// The node at an index; null behind the end.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Node {
        match self.chunks.get(at / CHUNK).and_then(|chunk| chunk.get(at % CHUNK)) {
            Some(node) => *node,
            None => Node::Null,
        }
    }

    /// Replaces the node at an index, if there is one.
    pub(super) fn set(&mut self, at: usize, node: Node) {
        if let Some(place) = self
            .chunks
            .get_mut(at / CHUNK)
            .and_then(|chunk| chunk.get_mut(at % CHUNK))
        {
            *place = node;
        }
    }

    #[inline]
    pub(super) fn push(&mut self, node: Node) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(node),
            last => {
                let mut chunk = match last {
                    Some(_) => Vec::with_capacity(CHUNK),
                    None => Vec::new(),
                };
                chunk.push(node);
                self.chunks.push(chunk);
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<Node> {
        let node = self.chunks.last_mut()?.pop();
        if self.chunks.len() > 1 && self.chunks.last().is_some_and(Vec::is_empty) {
            self.chunks.pop();
        }
        node
    }

    /// Takes out the nodes from an index on, in their order. Each chunk is freed once its last node is taken.
    pub(super) fn drain(&mut self, from: usize) -> impl Iterator<Item = Node> + '_ {
        let (chunk, at) = (from / CHUNK, from % CHUNK);
        let whole = match self.chunks.len() {
            count if count > chunk + 1 => self.chunks.split_off(chunk + 1),
            _ => Vec::new(),
        };
        let part = self.chunks.get_mut(chunk).filter(|part| at <= part.len());
        part.into_iter()
            .flat_map(move |part| part.drain(at..))
            .chain(whole.into_iter().flatten())
    }
}
