//! Building trees, value by value.

use serde_json::{Number, Value};

use super::node::{Kind, Node, Nodes, Span};
use super::tree::{BuildError, ROOT, Tree, key_of, span};
use super::view::{Json, View};

/// Something that a document, or a part of one, is made of.
pub trait Source {
    /// Gives the builder one value.
    ///
    /// # Errors
    /// [`BuildError`], where a tree cannot hold it.
    fn build(&self, builder: &mut Builder<'_, '_>) -> Result<(), BuildError>;
}

/// Takes the values of a document in the order of its text: each scalar, and each array and object once what is in it has
/// been given.
#[derive(Debug)]
pub struct Builder<'b, 't> {
    tree: &'b mut Tree<'t>,
    /// The elements and entries of the arrays and objects that are not closed yet.
    open: Nodes,
}

impl Tree<'static> {
    /// The document that the source makes. It borrows nothing.
    ///
    /// # Errors
    /// [`BuildError`], where a tree cannot hold it.
    pub fn of(source: &(impl Source + ?Sized)) -> Result<Tree<'static>, BuildError> {
        let mut tree = Tree::with_capacity("", 0);
        let root = Builder::new(&mut tree).value_of(source)?;
        tree.nodes.set(ROOT, root);
        Ok(tree)
    }
}

impl<'b, 't> Builder<'b, 't> {
    pub(super) fn new(tree: &'b mut Tree<'t>) -> Builder<'b, 't> {
        Builder {
            tree,
            open: Nodes::EMPTY,
        }
    }

    /// The node of one more value. What is in it lies in the tree, the node itself does not.
    pub(super) fn value_of(&mut self, source: &(impl Source + ?Sized)) -> Result<Node, BuildError> {
        source.build(self)?;
        Ok(self.pop())
    }

    /// Takes back the value that was given last.
    pub(super) fn pop(&mut self) -> Node {
        self.open.pop().unwrap_or(Node::NULL)
    }

    /// `null`.
    pub fn null(&mut self) {
        self.open.push(Node::NULL);
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.open.push(Node::of_bits(Kind::Bool, value.into()));
    }

    /// An integer that is not negative.
    pub fn unsigned(&mut self, value: u64) {
        self.open.push(Node::of_bits(Kind::Unsigned, value));
    }

    /// An integer.
    pub fn signed(&mut self, value: i64) {
        self.open.push(match u64::try_from(value) {
            Ok(value) => Node::of_bits(Kind::Unsigned, value),
            Err(_) => Node::of_bits(Kind::Negative, value.cast_unsigned()),
        });
    }

    /// A float; `null` for one that JSON cannot express.
    pub fn float(&mut self, value: f64) {
        self.open.push(match value.is_finite() {
            true => Node::of_bits(Kind::Float, value.to_bits()),
            false => Node::NULL,
        });
    }

    /// A number of `serde_json`.
    pub fn number(&mut self, number: &Number) {
        match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => self.unsigned(value),
            (None, Some(value)) => self.signed(value),
            (None, None) => self.float(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    /// A string, or the key of the entry whose value comes next. It is copied.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`], where all strings together would be longer than 4 GiB.
    pub fn string(&mut self, text: &str) -> Result<(), BuildError> {
        let place = span(self.tree.owned.len(), text.len())?;
        self.tree.owned.push_str(text);
        self.open.push(Node::new(Kind::Owned, place));
        Ok(())
    }

    /// The same for a part of the text that the tree is read from. It is copied only if it is no such part.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`], where the text is longer than 4 GiB.
    pub(super) fn borrowed(&mut self, part: &'t str) -> Result<(), BuildError> {
        let text = self.tree.text;
        let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr());
        let inside = offset.filter(|offset| text.len().checked_sub(part.len()).is_some_and(|last| *offset <= last));
        match inside {
            Some(offset) => {
                self.open.push(Node::new(Kind::Text, span(offset, part.len())?));
                Ok(())
            }
            None => self.string(part),
        }
    }

    /// Begins an array or an object. What it returns is for [`Builder::close_array`] or [`Builder::close_object`].
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Ends an array: its elements are the values since it was begun.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`], where the tree would have more than 2³² nodes.
    pub fn close_array(&mut self, opened: usize) -> Result<(), BuildError> {
        let first = self.tree.nodes.len();
        let elements = span(first, self.open.len().saturating_sub(opened))?;
        span(first + elements.len(), 0)?;
        self.open.move_to(opened, &mut self.tree.nodes);
        self.open.push(Node::new(Kind::Array, elements));
        Ok(())
    }

    /// Ends an object: its entries are the keys and values since it was begun, in any order.
    ///
    /// # Errors
    /// [`BuildError`], where a key stands twice, or the tree would have more than 2³² nodes.
    pub fn close_object(&mut self, opened: usize) -> Result<(), BuildError> {
        let first = self.tree.nodes.len();
        let entries = span(first, self.open.len().saturating_sub(opened) / 2)?;
        span(first + 2 * entries.len(), 0)?;
        self.open.move_to(opened, &mut self.tree.nodes);
        self.open.push(Node::new(Kind::Object, entries));
        if self.tree.is_sorted(entries) {
            Ok(())
        } else {
            self.tree.sort(entries)
        }
    }
}

impl Tree<'_> {
    /// Whether each key is greater than the one before it.
    fn is_sorted(&self, entries: Span) -> bool {
        let mut keys = (0..entries.len()).map(|entry| self.bytes(self.nodes.get(key_of(entries, entry))));
        let mut before = keys.next();
        keys.all(|key| before.replace(key).is_some_and(|before| before < key))
    }

    /// Sorts entries by their keys.
    fn sort(&mut self, entries: Span) -> Result<(), BuildError> {
        let nodes = |entry: usize| {
            let at = key_of(entries, entry);
            [self.nodes.get(at), self.nodes.get(at + 1)]
        };
        let mut sorted: Vec<[Node; 2]> = (0..entries.len()).map(nodes).collect();
        sorted.sort_unstable_by(|[one, _], [other, _]| self.bytes(*one).cmp(self.bytes(*other)));
        let is_twice = |pair: &[[Node; 2]]| match pair {
            [[one, _], [other, _]] => self.bytes(*one) == self.bytes(*other),
            _ => false,
        };
        if sorted.windows(2).any(is_twice) {
            return Err(BuildError::DuplicateKey);
        }
        for (entry, [key, value]) in sorted.into_iter().enumerate() {
            self.nodes.set(key_of(entries, entry), key);
            self.nodes.set(key_of(entries, entry) + 1, value);
        }
        Ok(())
    }
}

impl Source for Value {
    fn build(&self, builder: &mut Builder<'_, '_>) -> Result<(), BuildError> {
        match self {
            Value::Null => builder.null(),
            Value::Bool(value) => builder.bool(*value),
            Value::Number(number) => builder.number(number),
            Value::String(text) => builder.string(text)?,
            Value::Array(items) => {
                let opened = builder.open();
                items.iter().try_for_each(|item| item.build(builder))?;
                builder.close_array(opened)?;
            }
            Value::Object(map) => {
                let opened = builder.open();
                for (key, value) in map {
                    builder.string(key)?;
                    value.build(builder)?;
                }
                builder.close_object(opened)?;
            }
        }
        Ok(())
    }
}

impl Source for str {
    fn build(&self, builder: &mut Builder<'_, '_>) -> Result<(), BuildError> {
        builder.string(self)
    }
}

impl Source for Json<'_> {
    fn build(&self, builder: &mut Builder<'_, '_>) -> Result<(), BuildError> {
        match self.view() {
            View::Null => builder.null(),
            View::Bool(value) => builder.bool(value),
            View::Number(number) => builder.number(&number),
            View::String(text) => builder.string(text)?,
            View::Array(array) => {
                let opened = builder.open();
                array.iter().try_for_each(|element| element.build(builder))?;
                builder.close_array(opened)?;
            }
            View::Object(object) => {
                let opened = builder.open();
                for (key, value) in object {
                    builder.string(key)?;
                    value.build(builder)?;
                }
                builder.close_object(opened)?;
            }
        }
        Ok(())
    }
}
