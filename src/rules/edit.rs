//! A change to the document, planned by an injector or by the repair of a finding.

use serde_json::Value;

use crate::k8s::path::Path;
use crate::policy::Leaf;

/// One planned change.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Where.
    pub path: Path,
    /// What.
    pub op: Op,
    /// The leaf of the policies that wants it; `None` for a repair, which belongs to its code.
    pub leaf: Option<Leaf>,
}

/// What a change does at its path.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Puts a value there, and the objects above it where they are missing.
    Set(Value),
    /// Appends to the array there, and makes it where it is missing. Never prepends: positions before it stay valid.
    Append(Value),
    /// Takes a key away. Elements of arrays are never taken away, the array is set anew.
    Remove,
    /// Moves the element of the array there from this position to the front.
    ToFront(usize),
}

/// The changes that one injector wants: all of them, or none.
#[derive(Debug, Default)]
pub struct Plan {
    edits: Vec<Edit>,
    notes: Vec<String>,
}

impl Plan {
    /// Says in a sentence, for the author, what is replaced: `submitter: resources of the task replaced by 500m`.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The sentences for the author.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Plans to put a value where there is none, or, forced, another one.
    pub fn set(&mut self, path: Path, value: impl Into<Value>, leaf: &Leaf) {
        self.edits.push(Edit {
            path,
            op: Op::Set(value.into()),
            leaf: Some(leaf.clone()),
        });
    }

    /// Plans to append to an array.
    pub fn append(&mut self, path: Path, value: impl Into<Value>, leaf: &Leaf) {
        self.edits.push(Edit {
            path,
            op: Op::Append(value.into()),
            leaf: Some(leaf.clone()),
        });
    }

    /// Plans to take a value away.
    pub fn remove(&mut self, path: Path, leaf: &Leaf) {
        self.edits.push(Edit {
            path,
            op: Op::Remove,
            leaf: Some(leaf.clone()),
        });
    }

    /// Plans to put what another place of the object says.
    pub fn follow(&mut self, path: Path, value: impl Into<Value>) {
        self.edits.push(Edit {
            path,
            op: Op::Set(value.into()),
            leaf: None,
        });
    }

    /// Plans more changes.
    pub fn extend(&mut self, edits: Vec<Edit>) {
        self.edits.extend(edits);
    }

    /// The changes, in their order.
    pub fn into_edits(self) -> Vec<Edit> {
        self.edits
    }
}
