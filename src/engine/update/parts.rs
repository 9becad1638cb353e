//! What an edit does to each part of an object.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::engine::compare::{counterpart, is_empty, name_of, same_but, says_the_same};
use crate::engine::document::Document;
use crate::json::{Json, Object, Tree};
use crate::k8s::json::text;
use crate::k8s::path::{Path, Step};
use crate::policy::merge::Group;
use crate::ray::Kind;
use crate::rules::{Edit, Op};

use super::Update;
use super::fingerprint::{Came, Cores, Leaves, Received, Seen, sizes};
use super::part::{NOT_ANNOTATIONS, Part, SIZES};

/// What is done to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// It stays as it is stored.
    Keep,
    /// It gets back what is stored, and nothing new: its pods run.
    Restore,
    /// It stays as it is stored, but for what policies force.
    Force,
    /// It is completed, as at the creation.
    Complete,
}

/// What an edit does to each part of an object, and what was received of it.
#[derive(Debug)]
pub struct Parts<'o> {
    kind: &'static Kind,
    old: Json<'o>,
    /// The stored worker groups by name.
    stored: HashMap<&'o str, Json<'o>>,
    metadata: Treatment,
    job: Treatment,
    head: Treatment,
    submitter: Treatment,
    groups: Vec<Treatment>,
    /// The parts that come again, as they are stored or as they were received.
    again: HashSet<Part>,
    /// What is stored.
    was: Seen,
}

impl<'o> Parts<'o> {
    /// Compares what was received with what is stored, and with what `/mutate` received before by the stored record.
    /// With `roll`, a policy wants what runs to be completed as on a creation. With `other_policies`, other policies are for
    /// the object than before.
    pub fn of(
        update: Update,
        (roll, other_policies): (bool, bool),
        old: Json<'o>,
        new: Json<'_>,
        seen: &Seen,
    ) -> Parts<'o> {
        let kind = Kind::of(old);
        let (stored, record) = (Seen::of(old), Received::stored_in(old));
        let record = record.as_ref();
        let runs = kind.runs(old) && !kind.is_suspended(new);
        let rolls = runs && roll && kind.is_rebuilt();
        let comes_again = |is: &Leaves, was: (&Leaves, u64), known: fn(&Received) -> &Came| {
            is == was.0 || record.is_some_and(|record| is.come_again(was, known(record)))
        };
        let (is, was) = (&seen.fields, &stored.fields);
        let cores = Cores::of(old, was);
        let metadata = comes_again(&is.metadata, (&was.metadata, 0), |record| &record.metadata);
        let job = comes_again(&is.job, (&was.job, cores.job), |record| &record.job);
        let head = comes_again(&is.head, (&was.head, cores.head), |record| &record.head);
        let submitter = comes_again(&is.submitter, (&was.submitter, cores.submitter), |record| {
            &record.submitter
        });
        let (was, is) = (once_named(&stored.groups), once_named(&seen.groups));
        let received: HashMap<u32, u64> = record
            .map(|record| record.groups.iter().copied().collect())
            .unwrap_or_default();
        let groups: Vec<bool> = seen
            .groups
            .iter()
            .map(|(name, group)| {
                let comes_again =
                    |was: &u64| was == group || received.get(name) == Some(&cores.of_group(*name, *group));
                is.contains_key(name) && was.get(name).is_some_and(comes_again)
            })
            .collect();
        let again = [
            (Part::Metadata, metadata),
            (Part::Job, job),
            (Part::Head, head),
            (Part::Submitter, submitter),
        ];
        let again = again
            .into_iter()
            .chain((0..).map(Part::Group).zip(groups.iter().copied()));
        let again = again
            .filter(|(_, comes_again)| *comes_again)
            .map(|(part, _)| part)
            .collect();
        let keeps_sizes = sizes(new) == sizes(old);
        let keeps_spec = keeps_sizes && job && head && submitter && groups.iter().all(|again| *again);
        let treatment = |comes_again: bool| match update {
            Update::Resume => Treatment::Complete,
            Update::Controller => Treatment::Restore,
            _ if rolls => Treatment::Complete,
            _ if runs && comes_again => Treatment::Keep,
            _ if runs => Treatment::Restore,
            // What one part gets may depend on the others: on the sum of the GPUs, or on a label.
            _ if !keeps_spec => Treatment::Complete,
            _ if !metadata && other_policies => Treatment::Force,
            _ => Treatment::Keep,
        };
        let names = kind.groups(old).iter();
        Parts {
            kind,
            old,
            stored: names.map(|group| (group_name(group), group)).collect(),
            metadata: match treatment(metadata) {
                Treatment::Force => Treatment::Complete,
                // A new label alone brings nothing of newer policies, which might deny it.
                Treatment::Keep if !metadata => Treatment::Restore,
                treatment => treatment,
            },
            job: treatment(job),
            head: treatment(head),
            submitter: treatment(submitter),
            groups: groups.into_iter().map(treatment).collect(),
            again,
            was: stored,
        }
    }

    /// What is done to a part.
    pub fn treatment(&self, part: Part) -> Treatment {
        match part {
            Part::Metadata => self.metadata,
            Part::Job => self.job,
            Part::Head => self.head,
            Part::Submitter => self.submitter,
            Part::Group(index) => self.groups.get(index).copied().unwrap_or(Treatment::Complete),
        }
    }

    /// What is stored at a place, elements of lists by their names.
    fn stored(&self, place: &Path, document: Json<'_>) -> Option<Json<'o>> {
        let part @ Part::Group(_) = Part::of(self.kind, place) else {
            return counterpart(place.steps(), document, self.old);
        };
        let group = part.path(self.kind);
        let is = group.get(document)?;
        let was = *self.stored.get(group_name(is))?;
        counterpart(place.steps().get(group.steps().len()..)?, is, was)
    }

    fn all(&self) -> impl Iterator<Item = Part> + use<> {
        [Part::Metadata, Part::Job, Part::Head, Part::Submitter]
            .into_iter()
            .chain((0..self.groups.len()).map(Part::Group))
    }

    /// Whether a part stays as it is stored, but perhaps for what is forced.
    fn stays(&self, part: Part) -> bool {
        matches!(self.treatment(part), Treatment::Keep | Treatment::Force)
    }

    /// Whether at least one part stays as it is stored.
    pub fn keeps_any(&self) -> bool {
        self.all().any(|part| self.stays(part))
    }

    /// Whether every part stays as it is stored.
    pub fn keeps_all(&self) -> bool {
        self.all().all(|part| self.treatment(part) == Treatment::Keep)
    }

    /// The part that a place belongs to.
    pub fn part_of(&self, place: &Path) -> Part {
        Part::of(self.kind, place)
    }

    /// Leaves a part as it is stored, after all.
    pub fn keep(&mut self, part: Part) {
        let treatment = match part {
            Part::Metadata => Some(&mut self.metadata),
            Part::Job => Some(&mut self.job),
            Part::Head => Some(&mut self.head),
            Part::Submitter => Some(&mut self.submitter),
            Part::Group(index) => self.groups.get_mut(index),
        };
        if let Some(treatment) = treatment {
            *treatment = Treatment::Keep;
        }
    }

    /// The parts that stay as they are stored, with their places.
    pub fn staying(&self) -> impl Iterator<Item = (Part, Path)> {
        let stays = |part: &Part| self.stays(*part);
        self.all().filter(stays).map(|part| (part, part.path(self.kind)))
    }

    /// The edits that bring back what is stored of a part.
    pub fn restoring(&self, part: Part, new: Json<'_>) -> Vec<Edit> {
        let at = part.path(self.kind);
        let mut edits = Vec::new();
        match part {
            Part::Metadata => {
                restore_fields(&at.key("labels"), &[], self.old, new, &mut edits);
                restore_fields(&at.key("annotations"), &NOT_ANNOTATIONS, self.old, new, &mut edits);
            }
            Part::Job => {
                for (keys, others) in self.kind.levels() {
                    let level = Path::from_keys(keys);
                    if level == at || level.get(new).is_some_and(Json::is_object) {
                        restore_fields(&level, &others, self.old, new, &mut edits);
                    }
                }
            }
            Part::Head | Part::Submitter => {
                let (was, is) = (
                    at.get(self.old).unwrap_or(Json::NULL),
                    at.get(new).unwrap_or(Json::NULL),
                );
                if !says_the_same(was, is) {
                    edits.push(edit(at, Op::Set(was.to_value())));
                }
            }
            Part::Group(_) => {
                let (Some(is), Some(was)) = (at.get(new), self.stored(&at, new)) else {
                    return edits;
                };
                if !same_but(was, is, &SIZES) {
                    edits.push(edit(at, Op::Set(with_sizes_of(is, was))));
                }
            }
        }
        edits
    }

    /// Leaves of these edits, which belong together, those that may act: what is forced in a part that stays, and in a
    /// part whose pods run either all of them, or those that bring a forced value back, or force a value where the request
    /// writes another one. The fields of a job are forced together: KubeRay refuses a TTL without a shutdown, and none of
    /// them restarts a pod. New sizes are edited everywhere.
    pub fn retain(&self, document: Json<'_>, edits: &mut Vec<Edit>) {
        let refused: HashSet<Part> = edits
            .iter()
            .filter(|edit| !self.is_new_size(document, &edit.path))
            .map(|edit| (Part::of(self.kind, &edit.path), edit))
            .filter(|(part, edit)| match self.treatment(*part) {
                Treatment::Keep => true,
                Treatment::Restore => !self.has_stored(document, edit),
                Treatment::Force | Treatment::Complete => false,
            })
            .map(|(part, _)| part)
            .collect();
        let is_forced = |edit: &Edit| edit.leaf.as_ref().is_some_and(|leaf| leaf.group == Group::Force);
        let writes = |edit: &Edit| is_forced(edit) && self.is_written(document, edit);
        let writes_job = edits
            .iter()
            .any(|edit| Part::of(self.kind, &edit.path) == Part::Job && writes(edit));
        edits.retain(|edit| {
            let part = Part::of(self.kind, &edit.path);
            match self.treatment(part) {
                _ if self.is_new_size(document, &edit.path) => true,
                Treatment::Force => is_forced(edit),
                Treatment::Restore if refused.contains(&part) => {
                    is_forced(edit)
                        && (self.has_stored(document, edit) || writes(edit) || (part == Part::Job && writes_job))
                }
                _ => !refused.contains(&part),
            }
        });
    }

    /// Whether a place is a size of a worker group that is another one than is stored. Sizes come as the author's file
    /// has them, also where those were repaired before.
    fn is_new_size(&self, document: Json<'_>, place: &Path) -> bool {
        let group = Part::of(self.kind, place).path(self.kind);
        let is_size = match place.steps().get(group.steps().len()..) {
            Some([Step::Key(key)]) => SIZES.contains(&&**key),
            _ => false,
        };
        let (was, is) = (self.stored(place, document), place.get(document));
        is_size && !says_the_same(was.unwrap_or(Json::NULL), is.unwrap_or(Json::NULL))
    }

    /// Whether an edit leads to what is stored.
    fn has_stored(&self, document: Json<'_>, edit: &Edit) -> bool {
        let stored = self.stored(&edit.path, document);
        match &edit.op {
            Op::Set(value) => stored.is_some_and(|stored| says_the_value(stored, value)),
            Op::Append(value) => stored
                .and_then(Json::as_array)
                .is_some_and(|stored| stored.iter().any(|stored| says_the_value(stored, value))),
            Op::Remove => stored.is_none_or(is_empty),
            Op::ToFront(from) => {
                let moved = edit.path.index(*from);
                let name = moved.get(document).and_then(name_of);
                name.is_some() && stored.and_then(|stored| stored.get_index(0)).and_then(name_of) == name
            }
        }
    }

    /// Whether the request changes what an edit replaces. `false` and 0 are what is left out.
    fn is_written(&self, document: Json<'_>, edit: &Edit) -> bool {
        let says_nothing =
            |value: Json<'_>| is_empty(value) || value.as_bool() == Some(false) || value.as_i64() == Some(0);
        let was = self.stored(&edit.path, document).unwrap_or(Json::NULL);
        let is = edit.path.get(document).unwrap_or(Json::NULL);
        let replaces = matches!(edit.op, Op::Set(_) | Op::Remove);
        replaces && !says_the_same(was, is) && !(says_nothing(was) && says_nothing(is))
    }

    /// Completes, after all, every part if something was forced into one that else would stay: a part that is changed
    /// does not come again at the next pass. Says whether it is so.
    pub fn complete_forced(&mut self, forced: bool) -> bool {
        let forces = forced && self.job == Treatment::Force;
        if forces {
            self.metadata = Treatment::Complete;
            self.job = Treatment::Complete;
            self.head = Treatment::Complete;
            self.submitter = Treatment::Complete;
            self.groups.fill(Treatment::Complete);
        }
        forces
    }

    /// Completes, after all, the parts whose containers are no longer those that run: their author has changed what
    /// runs. Says whether there are any.
    pub fn complete_changed(&mut self, document: &Document) -> bool {
        let other = |part: Part| self.treatment(part) == Treatment::Restore && self.runs_other(part, document.value());
        let changed: Vec<Part> = self.all().filter(|part| other(*part)).collect();
        for part in &changed {
            match part {
                Part::Head => self.head = Treatment::Complete,
                Part::Submitter => self.submitter = Treatment::Complete,
                Part::Group(index) => self
                    .groups
                    .iter_mut()
                    .skip(*index)
                    .take(1)
                    .for_each(|group| *group = Treatment::Complete),
                Part::Metadata | Part::Job => {}
            }
        }
        !changed.is_empty()
    }

    fn runs_other(&self, part: Part, document: Json<'_>) -> bool {
        let spec = match part {
            Part::Metadata | Part::Job => return false,
            Part::Submitter => part.path(self.kind).then_key("spec"),
            Part::Head | Part::Group(_) => part.path(self.kind).keys(["template", "spec"]),
        };
        ["containers", "initContainers"].iter().any(|list| {
            let at = spec.name(list);
            let stored = self.stored(&at, document).unwrap_or(Json::NULL);
            !says_the_same(at.get(document).unwrap_or(Json::NULL), stored)
        })
    }

    /// The parts that came again, and are as they were stored after all. What the record says of them still holds.
    pub fn repeated(&self, document: Json<'_>) -> HashSet<Part> {
        let after = Seen::of(document);
        let (was, then) = (&self.was.fields, &after.fields);
        let fields = [
            (Part::Metadata, was.metadata == then.metadata),
            (Part::Job, was.job == then.job),
            (Part::Head, was.head == then.head),
            (Part::Submitter, was.submitter == then.submitter),
        ];
        let known = once_named(&self.was.groups);
        let groups = after.groups.iter().map(|(name, group)| known.get(name) == Some(group));
        let same = fields.into_iter().chain((0..).map(Part::Group).zip(groups));
        let repeated = same.filter(|(part, is_same)| *is_same && self.again.contains(part));
        repeated.map(|(part, _)| part).collect()
    }

    /// Whether these are all parts, and no worker group is gone.
    pub fn are_all(&self, parts: &HashSet<Part>) -> bool {
        self.groups.len() == self.was.groups.len() && self.all().all(|part| parts.contains(&part))
    }

    /// What is to be remembered as received: of a part that stays, what the stored record says.
    pub fn received(&self, seen: &Seen, repeated: &HashSet<Part>, document: Json<'_>) -> Received {
        let mut received = seen.received(document);
        let Some(stored) = Received::stored_in(self.old) else {
            return received;
        };
        let keeps = |part| self.stays(part) || repeated.contains(&part);
        if keeps(Part::Metadata) {
            received.metadata = stored.metadata;
        }
        if keeps(Part::Job) {
            received.job = stored.job;
        }
        if keeps(Part::Head) {
            received.head = stored.head;
        }
        if keeps(Part::Submitter) {
            received.submitter = stored.submitter;
        }
        let known: HashMap<u32, u64> = stored.groups.iter().copied().collect();
        for (index, (name, group)) in received.groups.iter_mut().enumerate() {
            if keeps(Part::Group(index))
                && let Some(known) = known.get(name)
            {
                *group = *known;
            }
        }
        received
    }
}

fn edit(path: Path, op: Op) -> Edit {
    Edit { path, op, leaf: None }
}

/// The edits that make the fields of the object at `at` what they are in `old`, but for some.
fn restore_fields(at: &Path, but: &[&str], old: Json<'_>, new: Json<'_>, edits: &mut Vec<Edit>) {
    let (was, is) = (at.get(old).unwrap_or(Json::NULL), at.get(new).unwrap_or(Json::NULL));
    let is_field = |(key, _): &(&str, Json<'_>)| !but.contains(key);
    for (key, value) in was.as_object().unwrap_or(Object::EMPTY).iter().filter(is_field) {
        if !says_the_same(value, is.get(key).unwrap_or(Json::NULL)) {
            edits.push(edit(at.name(key), Op::Set(value.to_value())));
        }
    }
    for (key, _) in is.as_object().unwrap_or(Object::EMPTY).iter().filter(is_field) {
        if was.get(key).is_none() {
            edits.push(edit(at.name(key), Op::Remove));
        }
    }
}

/// The stored worker group, with the sizes of the one that was received.
fn with_sizes_of(is: Json<'_>, was: Json<'_>) -> Value {
    let (Some(was), Some(is)) = (was.as_object(), is.as_object()) else {
        return was.to_value();
    };
    let is_size = |(key, _): &(&str, Json<'_>)| SIZES.contains(key);
    let kept = was.iter().filter(|field| !is_size(field));
    kept.chain(is.iter().filter(is_size))
        .map(|(key, value)| (key.to_owned(), value.to_value()))
        .collect()
}

/// Whether a value of the document says the same as one that an edit would put there.
fn says_the_value(given: Json<'_>, value: &Value) -> bool {
    Tree::of(value).is_ok_and(|value| says_the_same(given, value.root()))
}

/// A group's name, empty where it has none.
fn group_name(group: Json<'_>) -> &str {
    text(group, "groupName").unwrap_or_default()
}

/// The groups whose name no other group has.
fn once_named(groups: &[(u32, u64)]) -> HashMap<u32, u64> {
    let mut times: HashMap<u32, usize> = HashMap::new();
    for (name, _) in groups {
        *times.entry(*name).or_default() += 1;
    }
    let groups = groups.iter().copied();
    groups.filter(|(name, _)| times.get(name) == Some(&1)).collect()
}
