//! Fingerprints of what `/mutate` received of an object, and how the record carries them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::Hasher as _;

use fnv::FnvHasher;
use serde_json::{Map, Value};

use crate::engine::compare::is_empty;
use crate::json::{Json, Object, View};
use crate::k8s::json::{below, text};
use crate::k8s::path::Path;
use crate::ray::Kind;
use crate::rules::APPLIED_ANNOTATION;

use super::part::{NOT_ANNOTATIONS, Part, SIZES};

/// The key of the record under which the fingerprints stand.
pub const RECEIVED: &str = "received";

/// How a part came: the fingerprint of all its leaves, and one of each leaf that `/mutate` changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    all: u64,
    changed: BTreeSet<u64>,
}

impl Came {
    fn read(text: &str) -> Option<Came> {
        let mut numbers = text.split('.').map(number);
        Some(Came {
            all: numbers.next()??,
            changed: numbers.collect::<Option<_>>()?,
        })
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.all)?;
        self.changed.iter().try_for_each(|leaf| write!(f, ".{leaf:x}"))
    }
}

/// The leaves of a part, sorted: the fingerprint of each path of keys, and of the value there. A list is one leaf, as it
/// is for `kubectl apply`, which sends the whole list or nothing of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leaves(Vec<(u64, u64)>);

impl Leaves {
    fn collect(&mut self, path: u64, map: Option<Object<'_>>, but: &[&str]) {
        for (key, value) in map.into_iter().flatten() {
            if but.contains(&key) || is_empty(value) {
                continue;
            }
            let path = hash(|hasher| {
                hasher.write_u64(path);
                hasher.write(key.as_bytes());
            });
            match value.view() {
                View::Object(object) => self.collect(path, Some(object), &[]),
                _ => self.0.push((path, hash(|hasher| write(value, hasher)))),
            }
        }
    }

    fn sorted(mut self) -> Leaves {
        self.0.sort_unstable();
        self
    }

    fn all(&self) -> u64 {
        hash(|hasher| {
            for (path, value) in &self.0 {
                hasher.write_u64(*path);
                hasher.write_u64(*value);
            }
        })
    }

    /// How these leaves came, where `after` was made of them.
    fn came(&self, after: &Leaves, core: u64) -> Came {
        Came {
            all: both(self.all(), core),
            changed: self.changed(after, core).collect(),
        }
    }

    /// The fingerprints of the leaves that are another value in `after`, or missing there.
    fn changed(&self, after: &Leaves, core: u64) -> impl Iterator<Item = u64> {
        let changed = self.0.iter().filter(|leaf| after.0.binary_search(leaf).is_err());
        changed.map(move |(path, value)| both(both(*path, *value), core))
    }

    /// Whether these leaves are those that were received once: all of them, or, where the client sends only what differs
    /// from what is stored, the stored ones with those in place that `/mutate` changed. Of these, only those come that are
    /// in the author's file: what somebody else set once comes as it is stored.
    pub fn come_again(&self, (stored, core): (&Leaves, u64), came: &Came) -> bool {
        let has = |path: u64| self.0.binary_search_by_key(&path, |(known, _)| *known).is_ok();
        both(self.all(), core) == came.all
            || (stored.0.iter().all(|(path, _)| has(*path))
                && self.changed(stored, core).all(|leaf| came.changed.contains(&leaf)))
    }
}

/// The leaves of the parts that are no lists.
#[derive(Debug)]
pub struct Fields {
    pub(super) metadata: Leaves,
    pub(super) job: Leaves,
    pub(super) head: Leaves,
    pub(super) submitter: Leaves,
}

impl Fields {
    fn of(object: Json<'_>) -> Fields {
        let kind = Kind::of(object);
        let part = |part: Part| {
            let mut leaves = Leaves::default();
            leaves.collect(0, part.path(kind).get(object).and_then(Json::as_object), &[]);
            leaves.sorted()
        };
        let metadata = [
            (&["metadata", "labels"][..], vec![]),
            (&["metadata", "annotations"], NOT_ANNOTATIONS.to_vec()),
        ];
        Fields {
            metadata: fields(object, metadata.into_iter()),
            job: fields(object, kind.levels()),
            head: part(Part::Head),
            submitter: part(Part::Submitter),
        }
    }
}

/// What there is of each part of an object.
#[derive(Debug)]
pub struct Seen {
    pub(super) fields: Fields,
    /// The fingerprints of each worker group's name, and of the group.
    pub(super) groups: Vec<(u32, u64)>,
}

/// The fingerprints of what no controller changes in each part: the job's fields, and the containers of its pods. What
/// was received of a part comes again only while the part still has the core that came of it.
#[derive(Debug)]
pub struct Cores {
    pub(super) job: u64,
    pub(super) head: u64,
    pub(super) submitter: u64,
    /// Those of the worker groups, by the fingerprint of their name.
    pub(super) groups: HashMap<u32, u64>,
}

impl Cores {
    /// The cores of an object with these fields.
    pub(super) fn of(object: Json<'_>, fields: &Fields) -> Cores {
        let kind = Kind::of(object);
        let core = |part: Part, keys: &[&str]| {
            part.path(kind)
                .get(object)
                .map_or(0, |part| containers(below(part, keys)))
        };
        let groups = kind.groups(object).iter();
        Cores {
            job: fields.job.all(),
            head: core(Part::Head, &["template", "spec"]),
            submitter: core(Part::Submitter, &["spec"]),
            groups: groups
                .map(|group| (name(group), containers(below(group, &["template", "spec"]))))
                .collect(),
        }
    }

    /// What is recorded of a worker group that was received, where its core came of it.
    pub(super) fn of_group(&self, name: u32, group: u64) -> u64 {
        both(group, self.groups.get(&name).copied().unwrap_or_default())
    }
}

impl Seen {
    /// What there is in `object`.
    pub fn of(object: Json<'_>) -> Seen {
        Seen {
            fields: Fields::of(object),
            groups: Kind::of(object).groups(object).iter().map(group).collect(),
        }
    }

    /// The fingerprint of all of it.
    fn all(&self) -> u64 {
        hash(|hasher| {
            let fields = &self.fields;
            for part in [&fields.metadata, &fields.job, &fields.head, &fields.submitter] {
                hasher.write_u64(part.all());
            }
            for (_, group) in &self.groups {
                hasher.write_u64(*group);
            }
        })
    }

    /// What was received, where `after` came of it.
    pub fn received(&self, after: Json<'_>) -> Received {
        let (before, after_it) = (&self.fields, Seen::of(after));
        let fields = &after_it.fields;
        let cores = Cores::of(after, fields);
        let groups = self.groups.iter();
        Received {
            made: Some(after_it.all()),
            metadata: before.metadata.came(&fields.metadata, 0),
            job: before.job.came(&fields.job, cores.job),
            head: before.head.came(&fields.head, cores.head),
            submitter: before.submitter.came(&fields.submitter, cores.submitter),
            groups: groups
                .map(|(name, group)| (*name, cores.of_group(*name, *group)))
                .collect(),
        }
    }
}

/// The leaves of the objects below these keys, but for some fields.
fn fields<'k>(object: Json<'_>, of: impl Iterator<Item = (&'k [&'k str], Vec<&'k str>)>) -> Leaves {
    let mut leaves = Leaves::default();
    for (position, (keys, but)) in (1..).zip(of) {
        leaves.collect(position, below(object, keys).as_object(), &but);
    }
    leaves.sorted()
}

fn group(group: Json<'_>) -> (u32, u64) {
    let mut leaves = Leaves::default();
    leaves.collect(0, group.as_object(), &SIZES);
    (name(group), leaves.all())
}

/// The fingerprint of a group's name.
fn name(group: Json<'_>) -> u32 {
    let name = hash(|hasher| hasher.write(text(group, "groupName").unwrap_or_default().as_bytes()));
    #[expect(clippy::cast_possible_truncation, reason = "half of a fingerprint is one too")]
    let half = name as u32;
    half
}

/// The fingerprint of the names and sizes of all worker groups, in any order.
pub fn sizes(object: Json<'_>) -> u64 {
    let sizes = |group: Json<'_>| {
        hash(|hasher| {
            hasher.write(text(group, "groupName").unwrap_or_default().as_bytes());
            SIZES.iter().for_each(|key| write(below(group, &[key]), hasher));
        })
    };
    Kind::of(object)
        .groups(object)
        .iter()
        .map(sizes)
        .fold(0, u64::wrapping_add)
}

/// What `/mutate` received, as the record has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The fingerprint of what was made of it.
    made: Option<u64>,
    pub(super) metadata: Came,
    pub(super) job: Came,
    pub(super) head: Came,
    pub(super) submitter: Came,
    pub(super) groups: Vec<(u32, u64)>,
}

impl Received {
    /// What the record of a stored object says, where it says anything.
    pub fn stored_in(object: Json<'_>) -> Option<Received> {
        let record = Path::of(["metadata", "annotations", APPLIED_ANNOTATION]).get(object)?;
        let record: Map<String, Value> = serde_json::from_str(record.as_str()?).ok()?;
        Received::read(record.get(RECEIVED)?.as_str()?)
    }

    fn read(text: &str) -> Option<Received> {
        let (made, text) = match text.split_once(' ')? {
            (made, others) if !made.contains('.') => (Some(number(made)?), others),
            _ => (None, text),
        };
        let mut fields = text.split(' ');
        let mut part = || Came::read(fields.next()?);
        let (metadata, job, head, submitter) = (part()?, part()?, part()?, part()?);
        let groups = fields.map(|field| {
            let (name, group) = field.split_once('.')?;
            Some((u32::try_from(number(name)?).ok()?, number(group)?))
        });
        Some(Received {
            made,
            metadata,
            job,
            head,
            submitter,
            groups: groups.collect::<Option<_>>()?,
        })
    }

    /// Whether the record of an object was written for it as it is: somebody has `/mutate` called again, after other
    /// webhooks.
    pub fn describes(object: Json<'_>) -> bool {
        Received::stored_in(object)
            .and_then(|received| received.made)
            .is_some_and(|made| made == Seen::of(object).all())
    }

    /// The same without the worker groups, for where there are too many.
    #[must_use]
    pub fn without_groups(self) -> Received {
        Received {
            groups: Vec::new(),
            ..self
        }
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// What was made of it, metadata, job, head and submitter, then the worker groups.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(made) = self.made {
            write!(f, "{made:x} ")?;
        }
        write!(f, "{} {} {} {}", self.metadata, self.job, self.head, self.submitter)?;
        let mut groups = self.groups.iter();
        groups.try_for_each(|(name, group)| write!(f, " {name:x}.{group:x}"))
    }
}

/// The fingerprint of the containers of a pod.
fn containers(spec: Json<'_>) -> u64 {
    hash(|hasher| {
        write(below(spec, &["containers"]), hasher);
        write(below(spec, &["initContainers"]), hasher);
    })
}

fn both(one: u64, other: u64) -> u64 {
    hash(|hasher| {
        hasher.write_u64(one);
        hasher.write_u64(other);
    })
}

fn hash(fill: impl FnOnce(&mut FnvHasher)) -> u64 {
    let mut hasher = FnvHasher::default();
    fill(&mut hasher);
    hasher.finish()
}

/// A value without the null and empty fields of its objects. Each kind has a mark, so that `1` is not `"1"`.
fn write(value: Json<'_>, hasher: &mut FnvHasher) {
    match value.view() {
        View::Null => hasher.write_u8(0),
        View::Bool(value) => hasher.write(&[1, u8::from(value)]),
        View::Number(value) => {
            hasher.write_u8(2);
            hasher.write(value.to_string().as_bytes());
        }
        View::String(value) => {
            hasher.write_u8(3);
            hasher.write_u64(value.len() as u64);
            hasher.write(value.as_bytes());
        }
        View::Array(items) => {
            hasher.write_u8(4);
            hasher.write_u64(items.len() as u64);
            items.iter().for_each(|item| write(item, hasher));
        }
        View::Object(object) => {
            hasher.write_u8(5);
            for (key, value) in object.iter().filter(|(_, value)| !is_empty(*value)) {
                hasher.write(key.as_bytes());
                write(value, hasher);
            }
            hasher.write_u8(6);
        }
    }
}
