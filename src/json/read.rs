//! Reading a document from its text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::build::Builder;
use super::tree::{BuildError, ROOT, Tree};

/// How a text is read. As a [`DeserializeSeed`] it also reads a part of its text, in the middle of something else.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'t> {
    text: &'t str,
    values: usize,
    leave_out: &'static [&'static str],
}

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It has more values than [`Reading::at_most`] allows.
    #[error("it has too many JSON values")]
    TooManyValues,
    /// It is not JSON, or a key stands twice in one object.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The bytes of text for which a tree has room for one node before it grows: fewer than most values of a RayJob have.
const BYTES_PER_NODE: usize = 12;

impl<'t> Tree<'t> {
    /// Reads a text, all of it.
    ///
    /// # Errors
    /// [`serde_json::Error`], where it is not JSON, a key stands twice in one object, or it is nested more than 128 levels
    /// deep.
    pub fn read(text: &'t str) -> Result<Tree<'t>, serde_json::Error> {
        match Reading::of(text).read() {
            Ok(tree) => Ok(tree),
            Err(ReadError::Json(error)) => Err(error),
            Err(ReadError::TooManyValues) => Err(serde_json::Error::custom(BuildError::TooLarge)),
        }
    }
}

impl<'t> Reading<'t> {
    /// Reads everything in the text.
    pub fn of(text: &'t str) -> Reading<'t> {
        Reading {
            text,
            values: usize::MAX,
            leave_out: &[],
        }
    }

    /// Reads at most so many values. Arrays, objects, strings, numbers, booleans and nulls are values; keys are none.
    #[must_use]
    pub fn at_most(self, values: usize) -> Reading<'t> {
        Reading { values, ..self }
    }

    /// Leaves out what stands below these keys of the root. It does not count.
    #[must_use]
    pub fn without(self, keys: &'static [&'static str]) -> Reading<'t> {
        Reading {
            leave_out: keys,
            ..self
        }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// [`ReadError`], as soon as the text shows it: what follows is not read.
    pub fn read(self) -> Result<Tree<'t>, ReadError> {
        let mut deserializer = serde_json::Deserializer::from_str(self.text);
        let mut has_too_many = false;
        let read = self.read_from(&mut deserializer, &mut has_too_many);
        match read.and_then(|tree| deserializer.end().map(|()| tree)) {
            Ok(tree) => Ok(tree),
            Err(_) if has_too_many => Err(ReadError::TooManyValues),
            Err(error) => Err(error.into()),
        }
    }

    fn read_from<D: Deserializer<'t>>(self, deserializer: D, has_too_many: &mut bool) -> Result<Tree<'t>, D::Error> {
        let mut tree = Tree::with_capacity(self.text, self.text.len() / BYTES_PER_NODE);
        let mut progress = Progress {
            builder: Builder::new(&mut tree),
            left: self.values,
            has_too_many,
        };
        let root = Part {
            progress: &mut progress,
            leave_out: self.leave_out,
        };
        root.deserialize(deserializer)?;
        let root = progress.builder.pop();
        tree.nodes.set(ROOT, root);
        Ok(tree)
    }
}

impl<'t> DeserializeSeed<'t> for Reading<'t> {
    type Value = Tree<'t>;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Tree<'t>, D::Error> {
        self.read_from(deserializer, &mut false)
    }
}

/// What has been read, and what may still come.
struct Progress<'b, 't> {
    builder: Builder<'b, 't>,
    /// How many values may still come.
    left: usize,
    has_too_many: &'b mut bool,
}

/// Reads one value and all in it.
struct Part<'p, 'b, 't> {
    progress: &'p mut Progress<'b, 't>,
    /// The keys below this value that lead to what is left out; none where nothing is.
    leave_out: &'static [&'static str],
}

impl<'t> DeserializeSeed<'t> for Part<'_, '_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        let Some(left) = self.progress.left.checked_sub(1) else {
            *self.progress.has_too_many = true;
            return Err(D::Error::custom(ReadError::TooManyValues));
        };
        self.progress.left = left;
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Part<'_, '_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.progress.builder.null();
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.progress.builder.bool(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.progress.builder.unsigned(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.progress.builder.signed(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.progress.builder.float(value);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.progress.builder.string(text).map_err(E::custom)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'t str) -> Result<(), E> {
        self.progress.builder.borrowed(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut access: A) -> Result<(), A::Error> {
        let opened = self.progress.builder.open();
        loop {
            let element = Part {
                progress: &mut *self.progress,
                leave_out: &[],
            };
            if access.next_element_seed(element)?.is_none() {
                return self.progress.builder.close_array(opened).map_err(A::Error::custom);
            }
        }
    }

    fn visit_map<A: MapAccess<'t>>(self, mut access: A) -> Result<(), A::Error> {
        let opened = self.progress.builder.open();
        let (first, rest) = match self.leave_out.split_first() {
            Some((first, rest)) => (Some(*first), rest),
            None => (None, self.leave_out),
        };
        loop {
            let key = Key {
                builder: &mut self.progress.builder,
                on_the_way: first,
                is_left_out: rest.is_empty(),
            };
            let leave_out = match access.next_key_seed(key)? {
                None => break,
                Some(Met::LeftOut) => {
                    access.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some(Met::OnTheWay) => rest,
                Some(Met::Other) => &[],
            };
            access.next_value_seed(Part {
                progress: &mut *self.progress,
                leave_out,
            })?;
        }
        self.progress.builder.close_object(opened).map_err(A::Error::custom)
    }
}

/// Reads a key, unless its value is left out.
struct Key<'p, 'b, 't> {
    builder: &'p mut Builder<'b, 't>,
    /// The key that leads to what is left out.
    on_the_way: Option<&'static str>,
    /// Whether the value of that key is what is left out.
    is_left_out: bool,
}

/// What a key is for what is left out.
enum Met {
    LeftOut,
    OnTheWay,
    Other,
}

impl Key<'_, '_, '_> {
    fn met(&self, key: &str) -> Met {
        match self.on_the_way == Some(key) {
            true if self.is_left_out => Met::LeftOut,
            true => Met::OnTheWay,
            false => Met::Other,
        }
    }
}

impl<'t> DeserializeSeed<'t> for Key<'_, '_, 't> {
    type Value = Met;

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<Met, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'t> for Key<'_, '_, 't> {
    type Value = Met;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Met, E> {
        let met = self.met(key);
        if !matches!(met, Met::LeftOut) {
            self.builder.string(key).map_err(E::custom)?;
        }
        Ok(met)
    }

    fn visit_borrowed_str<E: Error>(self, key: &'t str) -> Result<Met, E> {
        let met = self.met(key);
        if !matches!(met, Met::LeftOut) {
            self.builder.borrowed(key).map_err(E::custom)?;
        }
        Ok(met)
    }
}
