//! Editing a document in place.

use super::build::{Builder, Source};
use super::node::{Node, Room, Span};
use super::tree::{BuildError, ROOT, Tree, key_of, span, value_of};
use super::view::Json;

/// One value of a document, to be edited.
#[derive(Debug)]
pub struct JsonMut<'m, 't> {
    tree: &'m mut Tree<'t>,
    at: usize,
}

/// Why a value cannot be edited in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not of the kind that the edit is for.
    #[error("the value is of another kind")]
    Kind,
    /// The new value does not fit into the tree.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl<'t> Tree<'t> {
    /// The document, to be edited.
    pub fn root_mut(&mut self) -> JsonMut<'_, 't> {
        JsonMut { tree: self, at: ROOT }
    }

    fn new_node(&mut self, source: &(impl Source + ?Sized)) -> Result<Node, BuildError> {
        Builder::new(self).value_of(source)
    }

    /// Moves elements to where `len` of them have room, if they have none where they are. Each element is `width` nodes.
    fn make_room(&mut self, elements: Span, room: Room, len: usize, width: usize) -> Result<(Span, Room), BuildError> {
        if len <= room.capacity(elements.len()) {
            return Ok((span(elements.start(), len)?, room));
        }
        let moved = span(self.nodes.len(), len)?;
        let capacity = Room::Spare.capacity(len) * width;
        span(moved.start() + capacity, 0)?;
        let old = elements.start()..elements.start() + elements.len() * width;
        let used = old.len();
        for at in old {
            self.nodes.push(self.nodes.get(at));
        }
        (used..capacity).for_each(|_| self.nodes.push(Node::Null));
        Ok((moved, Room::Spare))
    }

    /// Moves the nodes of a range by so many places to the right.
    fn shift_right(&mut self, range: std::ops::Range<usize>, by: usize) {
        for at in range.rev() {
            self.nodes.set(at + by, self.nodes.get(at));
        }
    }
}

impl<'m, 't> JsonMut<'m, 't> {
    /// The value as it is now.
    pub fn get(&self) -> Json<'_> {
        Json {
            tree: self.tree,
            node: self.node(),
        }
    }

    fn node(&self) -> Node {
        self.tree.nodes.get(self.at)
    }

    /// The value under a key, if it is an object that has it.
    pub fn key(self, key: &str) -> Option<JsonMut<'m, 't>> {
        let Node::Object(entries, _) = self.node() else {
            return None;
        };
        let at = self.tree.find(entries, key)?;
        Some(JsonMut { at, ..self })
    }

    /// The element at an index, if it is an array that is long enough.
    pub fn index(self, index: usize) -> Option<JsonMut<'m, 't>> {
        match self.node() {
            Node::Array(elements, _) if index < elements.len() => Some(JsonMut {
                at: elements.start() + index,
                ..self
            }),
            _ => None,
        }
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// [`EditError::Build`], where the tree cannot hold the new one.
    pub fn set(self, source: &(impl Source + ?Sized)) -> Result<(), EditError> {
        let node = self.tree.new_node(source)?;
        self.tree.nodes.set(self.at, node);
        Ok(())
    }

    /// Puts a value under a key of an object, in place of the one that is there.
    ///
    /// # Errors
    /// [`EditError`], where it is no object, or the tree cannot hold the new value.
    pub fn insert(self, key: &str, source: &(impl Source + ?Sized)) -> Result<(), EditError> {
        let Node::Object(entries, room) = self.node() else {
            return Err(EditError::Kind);
        };
        let value = self.tree.new_node(source)?;
        let entry = match self.tree.position(entries, key) {
            Ok(entry) => {
                self.tree.nodes.set(value_of(entries, entry), value);
                return Ok(());
            }
            Err(entry) => entry,
        };
        let key = self.tree.new_node(key)?;
        let (entries, room) = self.tree.make_room(entries, room, entries.len() + 1, 2)?;
        let behind = key_of(entries, entry)..key_of(entries, entries.len() - 1);
        self.tree.shift_right(behind, 2);
        self.tree.nodes.set(key_of(entries, entry), key);
        self.tree.nodes.set(value_of(entries, entry), value);
        self.tree.nodes.set(self.at, Node::Object(entries, room));
        Ok(())
    }

    /// Appends a value to an array.
    ///
    /// # Errors
    /// [`EditError`], where it is no array, or the tree cannot hold the new value.
    pub fn push(self, source: &(impl Source + ?Sized)) -> Result<(), EditError> {
        let Node::Array(elements, room) = self.node() else {
            return Err(EditError::Kind);
        };
        let element = self.tree.new_node(source)?;
        let (elements, room) = self.tree.make_room(elements, room, elements.len() + 1, 1)?;
        self.tree.nodes.set(elements.start() + elements.len() - 1, element);
        self.tree.nodes.set(self.at, Node::Array(elements, room));
        Ok(())
    }

    /// Takes the value under a key out of an object, and says whether there was one.
    pub fn remove(self, key: &str) -> bool {
        let Node::Object(entries, room) = self.node() else {
            return false;
        };
        let Ok(entry) = self.tree.position(entries, key) else {
            return false;
        };
        for at in key_of(entries, entry + 1)..key_of(entries, entries.len()) {
            self.tree.nodes.set(at - 2, self.tree.nodes.get(at));
        }
        let left = Span {
            len: entries.len - 1,
            ..entries
        };
        self.tree.nodes.set(self.at, Node::Object(left, room));
        true
    }

    /// Moves the element at an index of an array to its front, and says whether there is one.
    pub fn move_to_front(self, index: usize) -> bool {
        match self.node() {
            Node::Array(elements, _) if index < elements.len() => {
                let first = elements.start();
                let moved = self.tree.nodes.get(first + index);
                self.tree.shift_right(first..first + index, 1);
                self.tree.nodes.set(first, moved);
                true
            }
            _ => false,
        }
    }
}
