//! Editing a document in place.

use super::build::{Builder, Source};
use super::node::{Kind, Node, Room, Span};
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

    /// Gives an array or an object one element more, of so many nodes, at its end. The new nodes are still to be set. It
    /// is moved where there is no room for it.
    fn grow(&mut self, node: Node, width: usize) -> Result<Node, BuildError> {
        let (first, len) = (node.span.start(), node.span.len());
        if len < node.room.capacity(len) {
            let span = span(first, len + 1)?;
            return Ok(Node { span, ..node });
        }
        let moved = span(self.nodes.len(), len + 1)?;
        let capacity = Room::Spare.capacity(len + 1) * width;
        span(moved.start() + capacity, 0)?;
        for at in first..first + len * width {
            self.nodes.push(self.nodes.get(at));
        }
        (len * width..capacity).for_each(|_| self.nodes.push(Node::NULL));
        Ok(Node {
            room: Room::Spare,
            span: moved,
            ..node
        })
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

    /// What is in it, if it is an object or an array.
    fn span(&self, kind: Kind) -> Option<Span> {
        let node = self.node();
        (node.kind == kind).then_some(node.span)
    }

    /// The value under a key, if it is an object that has it.
    pub fn key(self, key: &str) -> Option<JsonMut<'m, 't>> {
        let at = self.tree.find(self.span(Kind::Object)?, key)?;
        Some(JsonMut { at, ..self })
    }

    /// The element at an index, if it is an array that is long enough.
    pub fn index(self, index: usize) -> Option<JsonMut<'m, 't>> {
        let elements = self.span(Kind::Array).filter(|elements| index < elements.len())?;
        let at = elements.start() + index;
        Some(JsonMut { at, ..self })
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
        let entries = self.span(Kind::Object).ok_or(EditError::Kind)?;
        let value = self.tree.new_node(source)?;
        let entry = match self.tree.position(entries, key) {
            Ok(entry) => {
                self.tree.nodes.set(value_of(entries, entry), value);
                return Ok(());
            }
            Err(entry) => entry,
        };
        let key = self.tree.new_node(key)?;
        let object = self.tree.grow(self.node(), 2)?;
        let (entries, behind) = (object.span, key_of(object.span, entries.len()));
        self.tree.shift_right(key_of(entries, entry)..behind, 2);
        self.tree.nodes.set(key_of(entries, entry), key);
        self.tree.nodes.set(value_of(entries, entry), value);
        self.tree.nodes.set(self.at, object);
        Ok(())
    }

    /// Appends a value to an array.
    ///
    /// # Errors
    /// [`EditError`], where it is no array, or the tree cannot hold the new value.
    pub fn push(self, source: &(impl Source + ?Sized)) -> Result<(), EditError> {
        let elements = self.span(Kind::Array).ok_or(EditError::Kind)?;
        let element = self.tree.new_node(source)?;
        let array = self.tree.grow(self.node(), 1)?;
        self.tree.nodes.set(array.span.start() + elements.len(), element);
        self.tree.nodes.set(self.at, array);
        Ok(())
    }

    /// Takes the value under a key out of an object, and says whether there was one.
    pub fn remove(self, key: &str) -> bool {
        let Some(entries) = self.span(Kind::Object) else {
            return false;
        };
        let Ok(entry) = self.tree.position(entries, key) else {
            return false;
        };
        for at in key_of(entries, entry + 1)..key_of(entries, entries.len()) {
            self.tree.nodes.set(at - 2, self.tree.nodes.get(at));
        }
        let mut object = self.node();
        object.span.len -= 1;
        self.tree.nodes.set(self.at, object);
        true
    }

    /// Moves the element at an index of an array to its front, and says whether there is one.
    pub fn move_to_front(self, index: usize) -> bool {
        match self.span(Kind::Array) {
            Some(elements) if index < elements.len() => {
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
