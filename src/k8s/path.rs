//! Where something stands in a JSON document.

use std::borrow::Cow;
use std::fmt;

use crate::json::Json;

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A key of an object.
    Key(Cow<'static, str>),
    /// An element of an array.
    Index(usize),
}

/// The steps from the root of a document to a value, which need not exist.
///
/// It prints as people write it (`spec.workerGroupSpecs[0].groupName`, `metadata.labels["a.b/c"]`), and as an
/// RFC 6901 pointer with [`Path::pointer`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The root of the document.
    pub const ROOT: Path = Path(Vec::new());

    /// The path made of these keys.
    pub fn of<const N: usize>(keys: [&'static str; N]) -> Path {
        Path::from_keys(&keys)
    }

    /// The path made of these keys.
    pub fn from_keys(keys: &[&'static str]) -> Path {
        let mut steps = Vec::with_capacity(keys.len() + 8);
        steps.extend(keys.iter().map(|key| Step::Key(Cow::Borrowed(*key))));
        Path(steps)
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &'static str) -> Path {
        self.with(Step::Key(Cow::Borrowed(key)))
    }

    /// This path with one key more, for whoever has no other use for it.
    #[must_use]
    pub fn then_key(mut self, key: &'static str) -> Path {
        self.0.push(Step::Key(Cow::Borrowed(key)));
        self
    }

    /// This path with an element of the array that it leads to, for whoever has no other use for it.
    #[must_use]
    pub fn then_index(mut self, index: usize) -> Path {
        self.0.push(Step::Index(index));
        self
    }

    /// This path and one key more, a key that the document or a policy names.
    #[must_use]
    pub fn name(&self, key: &str) -> Path {
        self.with(Step::Key(Cow::Owned(key.to_owned())))
    }

    /// This path and these keys more.
    #[must_use]
    pub fn keys<const N: usize>(&self, keys: [&'static str; N]) -> Path {
        let mut steps = Vec::with_capacity(self.0.len() + N + 2);
        steps.extend_from_slice(&self.0);
        steps.extend(keys.into_iter().map(|key| Step::Key(Cow::Borrowed(key))));
        Path(steps)
    }

    /// This path and an element of the array it leads to.
    #[must_use]
    pub fn index(&self, index: usize) -> Path {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Path {
        let mut steps = Vec::with_capacity(self.0.len() + 4);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Path(steps)
    }

    /// The first so many steps of this path.
    #[must_use]
    pub fn prefix(&self, steps: usize) -> Path {
        Path(self.0.iter().take(steps).cloned().collect())
    }

    /// This path with another index at a step.
    #[must_use]
    pub fn replaced(&self, step: usize, index: usize) -> Path {
        let mut steps = self.0.clone();
        if let Some(step) = steps.get_mut(step) {
            *step = Step::Index(index);
        }
        Path(steps)
    }

    /// The steps, from the root down.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path without its last step, and that step; `None` at the root.
    pub fn split_last(&self) -> Option<(&[Step], &Step)> {
        self.0.split_last().map(|(last, rest)| (rest, last))
    }

    /// Whether `other` is this path or stands below it.
    pub fn covers(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The value at this path.
    pub fn get<'v>(&self, document: Json<'v>) -> Option<Json<'v>> {
        self.0.iter().try_fold(document, step_into)
    }

    /// Whether the value is there, or at least the object or array that would hold it.
    pub fn reaches(&self, document: Json<'_>) -> bool {
        match self.split_last() {
            None => true,
            Some((parent, _)) => parent.iter().try_fold(document, step_into).is_some(),
        }
    }

    /// The RFC 6901 JSON pointer.
    pub fn pointer(&self) -> String {
        let mut pointer = String::with_capacity(self.0.len() * 12);
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Index(index) => pointer.push_str(&index.to_string()),
                Step::Key(key) if key.bytes().any(|byte| matches!(byte, b'~' | b'/')) => {
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
                Step::Key(key) => pointer.push_str(key),
            }
        }
        pointer
    }
}

/// A path is looked up by its steps.
impl std::borrow::Borrow<[Step]> for Path {
    fn borrow(&self) -> &[Step] {
        &self.0
    }
}

/// The child of `value` that `step` names.
pub fn step_into<'v>(value: Json<'v>, step: &Step) -> Option<Json<'v>> {
    match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get_index(*index),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_plain(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;

    #[test]
    fn prints_for_people_and_as_a_pointer() {
        let path = Path::of(["spec", "workers"]).index(2).keys(["labels"]).name("a.b/c~d");
        assert_eq!(path.to_string(), r#"spec.workers[2].labels["a.b/c~d"]"#);
        assert_eq!(path.pointer(), "/spec/workers/2/labels/a.b~1c~0d");
    }

    #[test]
    fn finds_values_and_their_parents() {
        let document = document!({"a": [{"b": 1}]});
        let path = Path::of(["a"]).index(0).key("b");
        assert_eq!(path.get(document.root()).and_then(Json::as_i64), Some(1));
        assert!(Path::of(["a"]).index(0).key("missing").reaches(document.root()));
        assert!(!Path::of(["a"]).index(1).key("b").reaches(document.root()));
    }
}
