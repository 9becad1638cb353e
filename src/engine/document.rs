//! The one document of a request: edits change it as they are applied, and are recorded as the JSON Patch.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::k8s::path::{Path, Step, step_into};
use crate::rules::{Edit, Op};

/// A JSON document and the patch that leads from what it was to what it is.
#[derive(Debug)]
pub struct Document {
    value: Value,
    patch: Vec<Recorded>,
    /// The places whose values the patch carries whole.
    carried: BTreeSet<Path>,
}

/// An operation of the patch. The values of `Add` and `Replace` are read from the document when the patch is
/// written, so that later edits below them need no operation of their own.
#[derive(Debug)]
enum Recorded {
    Add(Path),
    Append(Path, usize),
    Replace(Path),
    Remove(Path),
    ToFront(Path, usize),
}

/// An edit that the document's shape does not allow, such as a key below a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoesNotFit;

impl Document {
    /// A document without changes.
    pub fn new(value: Value) -> Document {
        Document {
            value,
            patch: Vec::new(),
            carried: BTreeSet::new(),
        }
    }

    /// What the document is now.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Gives the document away.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Whether an edit has changed something.
    pub fn is_changed(&self) -> bool {
        !self.patch.is_empty()
    }

    /// Applies edits: all, or, where one does not fit, none.
    ///
    /// Returns for each edit the place that it changed, an appended element by its index; `None` where its value stands
    /// there already.
    ///
    /// # Errors
    /// [`DoesNotFit`] if the document has another shape than an edit expects.
    pub fn apply(&mut self, edits: Vec<Edit>) -> Result<Vec<Option<Path>>, DoesNotFit> {
        if !edits.iter().all(|edit| fits(&self.value, &edit.path, &edit.op)) {
            return Err(DoesNotFit);
        }
        edits
            .into_iter()
            .map(|edit| {
                let place = match &edit.op {
                    Op::Append(_) => {
                        let items = edit.path.get(&self.value).and_then(Value::as_array);
                        edit.path.index(items.map_or(0, Vec::len))
                    }
                    _ => edit.path.clone(),
                };
                let changed = self.apply_one(&edit.path, edit.op).ok_or(DoesNotFit)?;
                Ok(changed.then_some(place))
            })
            .collect()
    }

    fn apply_one(&mut self, path: &Path, op: Op) -> Option<bool> {
        match op {
            Op::Set(value) => self.set(path, value),
            Op::Append(value) => self.append(path, value),
            Op::Remove => self.remove(path),
            Op::ToFront(index) => {
                let items = at_mut(&mut self.value, path.steps())?.as_array_mut()?;
                let moved = (index < items.len()).then(|| items.remove(index))?;
                items.insert(0, moved);
                self.patch.push(Recorded::ToFront(path.clone(), index));
                Some(true)
            }
        }
    }

    fn set(&mut self, path: &Path, value: Value) -> Option<bool> {
        let current = path.get(&self.value);
        if current == Some(&value) {
            return Some(false);
        }
        let missing = current.is_none().then(|| first_missing(&self.value, path));
        let (parent, last) = path.split_last()?;
        let holder = make(&mut self.value, parent)?;
        match (holder, last) {
            (Value::Object(map), Step::Key(key)) => {
                map.insert(key.to_string(), value);
            }
            (Value::Array(items), Step::Index(index)) => *items.get_mut(*index)? = value,
            _ => return None,
        }
        self.record(missing.map_or_else(|| Recorded::Replace(path.clone()), Recorded::Add));
        Some(true)
    }

    fn append(&mut self, path: &Path, value: Value) -> Option<bool> {
        match path.get(&self.value) {
            Some(Value::Array(items)) => {
                let index = items.len();
                at_mut(&mut self.value, path.steps())?.as_array_mut()?.push(value);
                self.record(Recorded::Append(path.clone(), index));
                Some(true)
            }
            _ => self.set(path, Value::Array(vec![value])),
        }
    }

    fn remove(&mut self, path: &Path) -> Option<bool> {
        let (parent, last) = path.split_last()?;
        let Some(holder) = at_mut(&mut self.value, parent) else {
            return Some(false);
        };
        let removed = match (holder, last) {
            (Value::Object(map), Step::Key(key)) => map.remove(key.as_ref()).is_some(),
            _ => false,
        };
        if removed {
            let was_added = self
                .patch
                .iter()
                .any(|earlier| matches!(earlier, Recorded::Add(added) if added == path));
            self.forget_below(path);
            if !was_added {
                self.record(Recorded::Remove(path.clone()));
            }
        }
        Some(removed)
    }

    /// Keeps an operation, unless an earlier one will carry its value anyway.
    fn record(&mut self, operation: Recorded) {
        let (path, carries) = match &operation {
            Recorded::ToFront(..) => return self.patch.push(operation),
            Recorded::Add(path) | Recorded::Replace(path) => (path, Some(path.clone())),
            Recorded::Append(array, index) => (array, Some(array.index(*index))),
            Recorded::Remove(path) => (path, None),
        };
        // No carried place stands below another, so that only the last one up to `path` can hold it.
        let up_to = (Bound::Unbounded, Bound::Included(path));
        if self
            .carried
            .range::<Path, _>(up_to)
            .next_back()
            .is_some_and(|carried| carried.covers(path))
        {
            return;
        }
        if matches!(operation, Recorded::Replace(_)) {
            let place = path.clone();
            self.forget_below(&place);
        }
        self.carried.extend(carries);
        self.patch.push(operation);
    }

    /// Drops the operations below a place whose whole value an operation carries from now on.
    fn forget_below(&mut self, place: &Path) {
        let below = (Bound::Included(place), Bound::Unbounded);
        let first = self.carried.range::<Path, _>(below).next();
        if !first.is_some_and(|carried| place.covers(carried)) {
            return;
        }
        self.carried.retain(|carried| !place.covers(carried));
        self.patch.retain(|earlier| match earlier {
            Recorded::Add(path) | Recorded::Replace(path) | Recorded::Remove(path) | Recorded::Append(path, _) => {
                !place.covers(path)
            }
            Recorded::ToFront(..) => true,
        });
    }

    /// Where a place of the document was before containers were moved to the front of their lists.
    pub fn original(&self, path: &Path) -> Path {
        let mut original = path.clone();
        for recorded in self.patch.iter().rev() {
            let Recorded::ToFront(array, from) = recorded else {
                continue;
            };
            let at = array.steps().len();
            if array.covers(&original)
                && let Some(Step::Index(index)) = original.steps().get(at)
            {
                let before = match *index {
                    0 => *from,
                    index if index <= *from => index - 1,
                    index => index,
                };
                original = original.replaced(at, before);
            }
        }
        original
    }

    /// Where a place of the document as it was is since containers were moved to the front of their lists.
    pub fn current(&self, path: &Path) -> Path {
        self.patch
            .iter()
            .filter_map(|recorded| match recorded {
                Recorded::ToFront(array, from) => Some((array, *from)),
                _ => None,
            })
            .fold(path.clone(), |path, (array, from)| moved_to_front(&path, array, from))
    }

    /// The RFC 6902 JSON Patch.
    pub fn patch(&self) -> Patch<'_> {
        Patch(self)
    }
}

/// The patch of a document, ready to be written.
#[derive(Debug)]
pub struct Patch<'a>(&'a Document);

impl Serialize for Patch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operations = serializer.serialize_seq(Some(self.0.patch.len()))?;
        for recorded in &self.0.patch {
            operations.serialize_element(&Operation(recorded, &self.0.value))?;
        }
        operations.end()
    }
}

struct Operation<'a>(&'a Recorded, &'a Value);

impl Serialize for Operation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Operation(recorded, document) = self;
        let mut map = serializer.serialize_map(Some(3))?;
        match recorded {
            Recorded::Add(path) => {
                map.serialize_entry("op", "add")?;
                map.serialize_entry("path", &path.pointer())?;
                map.serialize_entry("value", &path.get(document))?;
            }
            Recorded::Append(path, index) => {
                map.serialize_entry("op", "add")?;
                map.serialize_entry("path", &(path.pointer() + "/-"))?;
                map.serialize_entry("value", &path.index(*index).get(document))?;
            }
            Recorded::Replace(path) => {
                map.serialize_entry("op", "replace")?;
                map.serialize_entry("path", &path.pointer())?;
                map.serialize_entry("value", &path.get(document))?;
            }
            Recorded::Remove(path) => {
                map.serialize_entry("op", "remove")?;
                map.serialize_entry("path", &path.pointer())?;
            }
            Recorded::ToFront(path, index) => {
                map.serialize_entry("op", "move")?;
                map.serialize_entry("from", &path.index(*index).pointer())?;
                map.serialize_entry("path", &path.index(0).pointer())?;
            }
        }
        map.end()
    }
}

fn at_mut<'v>(document: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(document, |value, step| match (value, step) {
        (Value::Object(map), Step::Key(key)) => map.get_mut(key.as_ref()),
        (Value::Array(items), Step::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}

/// Where a place is after an element of an array was moved to its front.
pub fn moved_to_front(path: &Path, array: &Path, from: usize) -> Path {
    let at = array.steps().len();
    match path.steps().get(at) {
        Some(Step::Index(index)) if array.covers(path) && *index == from => path.replaced(at, 0),
        Some(Step::Index(index)) if array.covers(path) && *index < from => path.replaced(at, index + 1),
        _ => path.clone(),
    }
}

/// The value at `steps`, with empty objects made where keys are missing or null.
fn make<'v>(document: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    let mut value = document;
    for step in steps {
        value = match (value, step) {
            (Value::Object(map), Step::Key(key)) => {
                let child = map.entry(key.to_string()).or_insert(Value::Null);
                if child.is_null() {
                    *child = Value::Object(Map::new());
                }
                child
            }
            (Value::Array(items), Step::Index(index)) => items.get_mut(*index)?,
            _ => return None,
        };
    }
    Some(value)
}

/// The part of `path` down to its first step that is missing or null.
pub fn first_missing(document: &Value, path: &Path) -> Path {
    let mut value = Some(document);
    let there = path
        .steps()
        .iter()
        .take_while(|step| {
            value = value
                .and_then(|value| step_into(value, step))
                .filter(|value| !value.is_null());
            value.is_some()
        })
        .count();
    path.prefix(there + 1)
}

fn fits(document: &Value, path: &Path, op: &Op) -> bool {
    match op {
        Op::Set(_) | Op::Append(_) => {
            let mut value = document;
            for step in path.steps() {
                match (value, step) {
                    (Value::Object(map), Step::Key(key)) => match map.get(key.as_ref()) {
                        None | Some(Value::Null) => return true,
                        Some(child) => value = child,
                    },
                    (Value::Array(items), Step::Index(index)) => match items.get(*index) {
                        Some(child) => value = child,
                        None => return false,
                    },
                    _ => return false,
                }
            }
            matches!(op, Op::Set(_)) || value.is_array()
        }
        Op::Remove => path.split_last().is_some_and(|(_, last)| matches!(last, Step::Key(_))),
        Op::ToFront(index) => path
            .get(document)
            .and_then(Value::as_array)
            .is_some_and(|items| *index < items.len()),
    }
}
