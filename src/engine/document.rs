//! The one document of a request: edits change it as they are applied, and are recorded as the JSON Patch.

mod places;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::json::{EditError, Json, JsonMut, Tree};
use crate::k8s::path::{Path, Step, step_into};
use crate::rules::{Edit, Op};

use places::Places;

/// A JSON document and the patch that leads from what it was to what it is.
#[derive(Debug)]
pub struct Document<'t> {
    tree: Tree<'t>,
    patch: Vec<Recorded>,
    /// The places whose values the patch carries whole.
    carried: Places,
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

impl<'t> Document<'t> {
    /// A document without changes.
    pub fn new(tree: Tree<'t>) -> Document<'t> {
        Document {
            tree,
            patch: Vec::new(),
            carried: Places::default(),
        }
    }

    /// What the document is now.
    pub fn value(&self) -> Json<'_> {
        self.tree.root()
    }

    /// What the document is now, with all that it needs to be edited further.
    pub fn tree(&self) -> &Tree<'t> {
        &self.tree
    }

    /// Gives the document away.
    pub fn into_tree(self) -> Tree<'t> {
        self.tree
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
        if !edits.iter().all(|edit| fits(self.value(), &edit.path, &edit.op)) {
            return Err(DoesNotFit);
        }
        edits
            .into_iter()
            .map(|Edit { path, op, .. }| match op {
                Op::Set(value) => Ok(self.set(&path, value)?.then_some(path)),
                Op::Append(value) => self.append(path, value).map(Some),
                Op::Remove => Ok(self.remove(&path)?.then_some(path)),
                Op::ToFront(index) => self.move_to_front(path, index).map(Some),
            })
            .collect()
    }

    fn set(&mut self, path: &Path, value: Value) -> Result<bool, DoesNotFit> {
        let steps = path.steps();
        let (there, current) = reach(self.value(), steps);
        if there == steps.len() && current == value {
            return Ok(false);
        }
        let recorded = if there == steps.len() {
            Recorded::Replace(path.clone())
        } else {
            Recorded::Add(path.prefix(there + 1))
        };
        let depth = there.min(steps.len().saturating_sub(1));
        let (parent, rest) = steps.split_at_checked(depth).ok_or(DoesNotFit)?;
        let (step, below) = rest.split_first().ok_or(DoesNotFit)?;
        let value = below.iter().rev().try_fold(value, |value, step| match step {
            Step::Key(key) => Ok(Value::Object(Map::from_iter([(key.to_string(), value)]))),
            Step::Index(_) => Err(DoesNotFit),
        })?;
        let parent = at_mut(&mut self.tree, parent).ok_or(DoesNotFit)?;
        match step {
            Step::Key(key) => parent.insert(key, &value)?,
            Step::Index(index) if below.is_empty() => parent.index(*index).ok_or(DoesNotFit)?.set(&value)?,
            Step::Index(_) => return Err(DoesNotFit),
        }
        self.record(recorded);
        Ok(true)
    }

    /// Where it appended.
    fn append(&mut self, array: Path, value: Value) -> Result<Path, DoesNotFit> {
        let is = array.get(self.value()).unwrap_or(Json::NULL);
        match is.as_array() {
            Some(elements) => {
                let index = elements.len();
                let list = at_mut(&mut self.tree, array.steps()).ok_or(DoesNotFit)?;
                list.push(&value)?;
                let place = array.index(index);
                self.record(Recorded::Append(array, index));
                Ok(place)
            }
            None if is.is_null() => {
                self.set(&array, Value::Array(vec![value]))?;
                Ok(array.index(0))
            }
            None => Err(DoesNotFit),
        }
    }

    fn move_to_front(&mut self, array: Path, from: usize) -> Result<Path, DoesNotFit> {
        let list = at_mut(&mut self.tree, array.steps()).ok_or(DoesNotFit)?;
        if !list.move_to_front(from) {
            return Err(DoesNotFit);
        }
        self.patch.push(Recorded::ToFront(array.clone(), from));
        Ok(array)
    }

    fn remove(&mut self, path: &Path) -> Result<bool, DoesNotFit> {
        let (parent, last) = path.split_last().ok_or(DoesNotFit)?;
        let removed = match (at_mut(&mut self.tree, parent), last) {
            (Some(holder), Step::Key(key)) => holder.remove(key),
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
        Ok(removed)
    }

    /// Keeps an operation, unless an earlier one will carry its value anyway.
    fn record(&mut self, operation: Recorded) {
        let carried = &mut self.carried;
        let is_new = match &operation {
            Recorded::Add(path) => carried.insert(path.steps()),
            Recorded::Append(array, index) => {
                let item = Step::Index(*index);
                carried.insert(array.steps().iter().chain([&item]))
            }
            Recorded::Replace(path) if !carried.cover(path.steps()) => {
                self.forget_below(path);
                self.carried.insert(path.steps())
            }
            Recorded::Replace(path) | Recorded::Remove(path) => !carried.cover(path.steps()),
            Recorded::ToFront(..) => true,
        };
        if is_new {
            self.patch.push(operation);
        }
    }

    /// Drops the operations below a place whose whole value an operation carries from now on.
    fn forget_below(&mut self, place: &Path) {
        if !self.carried.remove(place.steps()) {
            return;
        }
        self.patch
            .retain(|earlier| matches!(earlier, Recorded::ToFront(..)) || !place.covers(earlier.path()));
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

    /// The RFC 6902 JSON Patch, edit by edit.
    pub fn patch(&self) -> Patch<'_> {
        Patch {
            document: self,
            replaced: None,
        }
    }

    /// A patch that comes to the same and costs an API server least: an edit deep in `spec` replaces `spec` as a whole.
    ///
    /// On the way to an edit and back the API server reads and writes the text of every level above it anew, which it does
    /// not with a value that it puts in as it is. `cargo bench --bench apiserver` measures both.
    pub fn cheapest_patch(&self) -> Patch<'_> {
        const DEEP: usize = 3;
        let spec = Path::of(["spec"]);
        let is_deep = |path: &Path| path.steps().len() >= DEEP && spec.covers(path);
        let has_deep = self.patch.iter().any(|recorded| is_deep(recorded.path()));
        Patch {
            document: self,
            replaced: has_deep.then_some(Recorded::Replace(spec)),
        }
    }
}

impl From<EditError> for DoesNotFit {
    fn from(_: EditError) -> DoesNotFit {
        DoesNotFit
    }
}

impl Recorded {
    /// The place, or the array that it is in.
    fn path(&self) -> &Path {
        match self {
            Recorded::Add(path) | Recorded::Replace(path) | Recorded::Remove(path) => path,
            Recorded::Append(array, _) | Recorded::ToFront(array, _) => array,
        }
    }
}

/// The patch of a document, ready to be written.
#[derive(Debug)]
pub struct Patch<'a> {
    document: &'a Document<'a>,
    /// The replacement of a place that stands for all edits in it.
    replaced: Option<Recorded>,
}

impl Serialize for Patch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let replaced = self.replaced.as_ref();
        let is_single =
            |recorded: &&Recorded| !replaced.is_some_and(|replaced| replaced.path().covers(recorded.path()));
        let mut operations = serializer.serialize_seq(None)?;
        for recorded in self.document.patch.iter().filter(is_single).chain(replaced) {
            operations.serialize_element(&Operation(recorded, self.document.value()))?;
        }
        operations.end()
    }
}

struct Operation<'a>(&'a Recorded, Json<'a>);

impl Serialize for Operation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Operation(recorded, document) = self;
        let mut map = serializer.serialize_map(Some(3))?;
        match recorded {
            Recorded::Add(path) => {
                map.serialize_entry("op", "add")?;
                map.serialize_entry("path", &path.pointer())?;
                map.serialize_entry("value", &path.get(*document))?;
            }
            Recorded::Append(path, index) => {
                map.serialize_entry("op", "add")?;
                map.serialize_entry("path", &(path.pointer() + "/-"))?;
                map.serialize_entry("value", &path.index(*index).get(*document))?;
            }
            Recorded::Replace(path) => {
                map.serialize_entry("op", "replace")?;
                map.serialize_entry("path", &path.pointer())?;
                map.serialize_entry("value", &path.get(*document))?;
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

fn at_mut<'m, 't>(tree: &'m mut Tree<'t>, steps: &[Step]) -> Option<JsonMut<'m, 't>> {
    steps.iter().try_fold(tree.root_mut(), |value, step| match step {
        Step::Key(key) => value.key(key),
        Step::Index(index) => value.index(*index),
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

/// How many of the steps lead to something, and to what. What is null leads to nothing, but the last step may end there.
fn reach<'v>(document: Json<'v>, steps: &[Step]) -> (usize, Json<'v>) {
    let mut value = document;
    for (count, step) in steps.iter().enumerate() {
        match step_into(value, step) {
            Some(child) if child.is_null() && count + 1 < steps.len() => return (count, value),
            Some(child) => value = child,
            None => return (count, value),
        }
    }
    (steps.len(), value)
}

/// The part of `path` down to its first step that is missing or null.
pub fn first_missing(document: Json<'_>, path: &Path) -> Path {
    let (there, value) = reach(document, path.steps());
    let there = if value.is_null() {
        there.saturating_sub(1)
    } else {
        there
    };
    path.prefix(there + 1)
}

fn fits(document: Json<'_>, path: &Path, op: &Op) -> bool {
    match op {
        Op::Set(_) | Op::Append(_) => {
            let mut value = document;
            for step in path.steps() {
                match (step_into(value, step), step) {
                    (Some(child), Step::Key(_)) if child.is_null() => return true,
                    (Some(child), _) => value = child,
                    (None, Step::Key(_)) => return value.is_object(),
                    (None, Step::Index(_)) => return false,
                }
            }
            matches!(op, Op::Set(_)) || value.is_array()
        }
        Op::Remove => path.split_last().is_some_and(|(_, last)| matches!(last, Step::Key(_))),
        Op::ToFront(index) => path
            .get(document)
            .and_then(Json::as_array)
            .is_some_and(|items| *index < items.len()),
    }
}
