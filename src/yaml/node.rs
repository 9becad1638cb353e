//! The tree.

use serde_json::{Number, Value};

use crate::diag::Span;
use crate::json;

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value's own text: a quoted scalar with its quotes, a block scalar from the first character of its content,
    /// a block collection from its first key or element to its last value. A value that an alias stands for has the span
    /// of the alias, and what is in it the spans of what is in the anchored one. An empty value (`key:`) has the span
    /// of its key and colon.
    pub span: Span,
    /// How it was written.
    pub style: Style,
    /// The value.
    pub value: NodeValue,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit integer or a finite float.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order of the text, each key once.
    Mapping(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text, unquoted.
    pub text: String,
    /// Its place, with quotes.
    pub span: Span,
}

/// How a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A scalar without quotes; every number, boolean and null of JSON.
    Plain,
    /// A scalar in single quotes.
    SingleQuoted,
    /// A scalar in double quotes; every string of JSON.
    DoubleQuoted,
    /// A block scalar after `|`.
    Literal,
    /// A block scalar after `>`.
    Folded,
    /// A collection written with indentation.
    Block,
    /// A collection in brackets; every one of JSON.
    Flow,
}

/// One step of a path into a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An element of a list, from 0.
    Index(usize),
}

impl Node {
    /// What kind of value it is, in words: `null`, `a boolean`, `an integer`, `a number`, `a string`, `a list` or
    /// `a mapping`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Number(number) if number.is_f64() => "a number",
            NodeValue::Number(_) => "an integer",
            NodeValue::String(_) => "a string",
            NodeValue::Sequence(_) => "a list",
            NodeValue::Mapping(_) => "a mapping",
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            NodeValue::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of a key, if it is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_mapping()?.iter().find(|entry| entry.key.text == key)
    }

    /// The value of a key, if it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The node at the end of a path.
    pub fn at(&self, path: &[Step<'_>]) -> Option<&Node> {
        path.iter()
            .try_fold(self, |node, step| node.step(*step).map(|(node, _)| node))
    }

    /// The place to point at for a path: the value where that is a scalar or in brackets, and its key where it is a
    /// block of many lines. Where the path leads to nothing, the same for the deepest node that it passes.
    pub fn locate(&self, path: &[Step<'_>]) -> Span {
        let (mut node, mut key) = (self, None);
        for step in path {
            let Some((next, next_key)) = node.step(*step) else {
                return key.unwrap_or_else(|| node.head());
            };
            // An element of a list has no key of its own: its first line is nearer than the list's key.
            (node, key) = (next, next_key);
        }
        match node.style {
            Style::Block => key.unwrap_or_else(|| node.head()),
            _ => node.span,
        }
    }

    fn step(&self, step: Step<'_>) -> Option<(&Node, Option<Span>)> {
        match step {
            Step::Key(key) => self.entry(key).map(|entry| (&entry.value, Some(entry.key.span))),
            Step::Index(index) => self.as_sequence()?.get(index).map(|node| (node, None)),
        }
    }

    /// The first thing in a block collection, and everything else whole.
    fn head(&self) -> Span {
        match (&self.value, self.style) {
            (NodeValue::Mapping(entries), Style::Block) => entries.first().map_or(self.span, |entry| entry.key.span),
            (NodeValue::Sequence(items), Style::Block) => items.first().map_or(self.span, Node::head),
            _ => self.span,
        }
    }

    /// The same value without positions.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(number) => Value::Number(number.clone()),
            NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::Sequence(items) => items.iter().map(Node::to_json).collect(),
            NodeValue::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    /// How many values and keys the tree has, this one counted.
    pub fn count(&self) -> usize {
        1 + match &self.value {
            NodeValue::Sequence(items) => items.iter().map(Node::count).sum(),
            NodeValue::Mapping(entries) => entries.iter().map(|entry| 1 + entry.value.count()).sum(),
            _ => 0,
        }
    }

    /// How many collections lie within each other: 0 for a scalar.
    pub(super) fn height(&self) -> usize {
        match &self.value {
            NodeValue::Sequence(items) => 1 + items.iter().map(Node::height).max().unwrap_or(0),
            NodeValue::Mapping(entries) => 1 + entries.iter().map(|entry| entry.value.height()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// The same value without positions.
impl json::Source for Node {
    fn build(&self, builder: &mut json::Builder<'_, '_>) -> Result<(), json::BuildError> {
        match &self.value {
            NodeValue::Null => builder.null(),
            NodeValue::Bool(value) => builder.bool(*value),
            NodeValue::Number(number) => builder.number(number),
            NodeValue::String(text) => builder.string(text)?,
            NodeValue::Sequence(items) => {
                let opened = builder.open();
                items.iter().try_for_each(|item| item.build(builder))?;
                builder.close_array(opened)?;
            }
            NodeValue::Mapping(entries) => {
                let opened = builder.open();
                for Entry { key, value } in entries {
                    builder.string(&key.text)?;
                    value.build(builder)?;
                }
                builder.close_object(opened)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
