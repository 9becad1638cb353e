//! The view through which a document is read.

use std::borrow::Cow;
use std::iter::FusedIterator;
use std::ops::Range;

use serde_json::Number;

use super::node::{Kind, Node, Span};
use super::tree::{ROOT, Tree, key_of, value_of};

/// One value of a document, and all in it. It is copied freely.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    pub(super) tree: &'a Tree<'a>,
    pub(super) node: Node,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum View<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, without escapes.
    String(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
}

/// The elements of an array.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    tree: &'a Tree<'a>,
    elements: Span,
}

/// The entries of an object, each key once, in the order of the keys' bytes.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    tree: &'a Tree<'a>,
    entries: Span,
}

impl Tree<'_> {
    /// The document.
    #[inline]
    pub fn root(&self) -> Json<'_> {
        Json {
            tree: self,
            node: self.nodes.get(ROOT),
        }
    }
}

static NULL: Tree<'static> = Tree::NULL;

impl<'a> Json<'a> {
    /// `null`, of no document.
    pub const NULL: Json<'static> = Json {
        tree: &NULL,
        node: Node::NULL,
    };

    #[inline]
    fn at(tree: &'a Tree<'a>, at: usize) -> Json<'a> {
        Json {
            tree,
            node: tree.nodes.get(at),
        }
    }

    /// What it is.
    #[inline]
    pub fn view(self) -> View<'a> {
        let tree = self.tree;
        let (node, span) = (self.node, self.node.span);
        match node.kind {
            Kind::Null => View::Null,
            Kind::Bool => View::Bool(node.bits() == 1),
            Kind::Unsigned => View::Number(node.bits().into()),
            Kind::Negative => View::Number(node.bits().cast_signed().into()),
            Kind::Float => Number::from_f64(f64::from_bits(node.bits())).map_or(View::Null, View::Number),
            Kind::Text | Kind::Owned => View::String(tree.string(node).unwrap_or_default()),
            Kind::Array => View::Array(Array { tree, elements: span }),
            Kind::Object => View::Object(Object { tree, entries: span }),
        }
    }

    /// The value under a key, if it is an object that has it.
    #[inline]
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        self.as_object()?.get(key)
    }

    /// The element at an index, if it is an array that is long enough.
    #[inline]
    pub fn get_index(self, index: usize) -> Option<Json<'a>> {
        self.as_array()?.get(index)
    }

    /// The value at an RFC 6901 JSON pointer.
    pub fn pointer(self, pointer: &str) -> Option<Json<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        let steps = pointer.strip_prefix('/')?.split('/');
        steps.map(unescaped).try_fold(self, |value, step| match value.view() {
            View::Object(object) => object.get(&step),
            View::Array(array) if step == "0" || !step.starts_with(['0', '+']) => array.get(step.parse().ok()?),
            _ => None,
        })
    }

    /// The text, if it is a string.
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        self.tree.string(self.node)
    }

    /// The value, if it is a boolean.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        self.is_boolean().then(|| self.node.bits() == 1)
    }

    /// The value, if it is an integer of 64 bits.
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        match self.node.kind {
            Kind::Unsigned => self.node.bits().try_into().ok(),
            Kind::Negative => Some(self.node.bits().cast_signed()),
            _ => None,
        }
    }

    /// The value, if it is an integer of 64 bits that is not negative.
    #[inline]
    pub fn as_u64(self) -> Option<u64> {
        (self.node.kind == Kind::Unsigned).then(|| self.node.bits())
    }

    /// The value as a float, if it is a number.
    #[inline]
    pub fn as_f64(self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The value, if it is a number.
    #[inline]
    pub fn as_number(self) -> Option<Number> {
        match self.view() {
            View::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    #[inline]
    pub fn as_array(self) -> Option<Array<'a>> {
        self.is_array().then_some(Array {
            tree: self.tree,
            elements: self.node.span,
        })
    }

    /// The entries, if it is an object.
    #[inline]
    pub fn as_object(self) -> Option<Object<'a>> {
        self.is_object().then_some(Object {
            tree: self.tree,
            entries: self.node.span,
        })
    }

    /// Whether it is `null`.
    #[inline]
    pub fn is_null(self) -> bool {
        self.node.kind == Kind::Null
    }

    /// Whether it is `true` or `false`.
    #[inline]
    pub fn is_boolean(self) -> bool {
        self.node.kind == Kind::Bool
    }

    /// Whether it is a number.
    #[inline]
    pub fn is_number(self) -> bool {
        matches!(self.node.kind, Kind::Unsigned | Kind::Negative | Kind::Float)
    }

    /// Whether it is a number with a fraction or an exponent, or beyond 64 bits.
    #[inline]
    pub fn is_f64(self) -> bool {
        self.node.kind == Kind::Float
    }

    /// Whether it is a string.
    #[inline]
    pub fn is_string(self) -> bool {
        matches!(self.node.kind, Kind::Text | Kind::Owned)
    }

    /// Whether it is an array.
    #[inline]
    pub fn is_array(self) -> bool {
        self.node.kind == Kind::Array
    }

    /// Whether it is an object.
    #[inline]
    pub fn is_object(self) -> bool {
        self.node.kind == Kind::Object
    }
}

/// A step of a JSON pointer without its escapes.
fn unescaped(step: &str) -> Cow<'_, str> {
    match step.contains('~') {
        true => step.replace("~1", "/").replace("~0", "~").into(),
        false => step.into(),
    }
}

impl<'a> Array<'a> {
    /// An array without elements.
    pub const EMPTY: Array<'static> = Array {
        tree: &NULL,
        elements: Span { at: 0, len: 0 },
    };

    /// How many elements there are.
    #[inline]
    pub fn len(self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at an index.
    #[inline]
    pub fn get(self, index: usize) -> Option<Json<'a>> {
        (index < self.len()).then(|| Json::at(self.tree, self.elements.start() + index))
    }

    /// The first element.
    #[inline]
    pub fn first(self) -> Option<Json<'a>> {
        self.get(0)
    }

    /// The last element.
    #[inline]
    pub fn last(self) -> Option<Json<'a>> {
        self.iter().next_back()
    }

    /// Each element, in order.
    #[inline]
    pub fn iter(self) -> Elements<'a> {
        Elements {
            array: self,
            left: 0..self.len(),
        }
    }
}

impl<'a> Object<'a> {
    /// An object without entries.
    pub const EMPTY: Object<'static> = Object {
        tree: &NULL,
        entries: Span { at: 0, len: 0 },
    };

    /// How many entries there are.
    #[inline]
    pub fn len(self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value under a key.
    #[inline]
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        self.tree.find(self.entries, key).map(|at| Json::at(self.tree, at))
    }

    /// Whether there is a value under a key.
    #[inline]
    pub fn contains_key(self, key: &str) -> bool {
        self.tree.find(self.entries, key).is_some()
    }

    /// Each key with its value, in the order of the keys.
    #[inline]
    pub fn iter(self) -> Entries<'a> {
        Entries {
            object: self,
            left: 0..self.len(),
        }
    }

    /// Each key, in order.
    #[inline]
    pub fn keys(self) -> impl DoubleEndedIterator<Item = &'a str> + ExactSizeIterator {
        self.iter().map(|(key, _)| key)
    }

    /// Each value, in the order of the keys.
    #[inline]
    pub fn values(self) -> impl DoubleEndedIterator<Item = Json<'a>> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }

    #[inline]
    fn entry(self, entry: usize) -> (&'a str, Json<'a>) {
        let key = self.tree.nodes.get(key_of(self.entries, entry));
        let value = Json::at(self.tree, value_of(self.entries, entry));
        (self.tree.string(key).unwrap_or_default(), value)
    }
}

/// Iterates over the elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    array: Array<'a>,
    left: Range<usize>,
}

/// Iterates over the entries of an object.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    object: Object<'a>,
    left: Range<usize>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    #[inline]
    fn next(&mut self) -> Option<Json<'a>> {
        self.array.get(self.left.next()?)
    }

    #[inline]
    fn nth(&mut self, count: usize) -> Option<Json<'a>> {
        self.array.get(self.left.nth(count)?)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, Json<'a>);

    #[inline]
    fn next(&mut self) -> Option<(&'a str, Json<'a>)> {
        self.left.next().map(|entry| self.object.entry(entry))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.array.get(self.left.next_back()?)
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left.next_back().map(|entry| self.object.entry(entry))
    }
}

impl ExactSizeIterator for Elements<'_> {}

impl ExactSizeIterator for Entries<'_> {}

impl FusedIterator for Elements<'_> {}

impl FusedIterator for Entries<'_> {}

impl<'a> IntoIterator for Array<'a> {
    type Item = Json<'a>;
    type IntoIter = Elements<'a>;

    #[inline]
    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (&'a str, Json<'a>);
    type IntoIter = Entries<'a>;

    #[inline]
    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}
