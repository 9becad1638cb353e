//! Exemptions: what is waived and raised for somebody, until a day.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use crate::k8s::glob::Glob;

use super::SetLeaf;
use super::origin::Origin;
use super::selector::{Key, Selector, Subject};
use super::settings::leniency;

/// How many days ahead the end of an exemption is warned of.
pub const NOTICE_DAYS: i32 = 14;

/// An exemption, read and checked.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// Its name, unique among exemptions.
    pub name: Arc<str>,
    /// The RayJobs that it is for.
    pub matches: Selector,
    /// The checks and rules that it waives, by code or as `rule/NAME`, and where each stands.
    pub waive: Vec<(Arc<str>, Arc<Origin>)>,
    /// The limits that it raises: leaves of `limits`.
    pub raise: Vec<SetLeaf>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is granted.
    pub reason: String,
    /// The last day on which it holds, UTC.
    pub expires: Date,
    /// Where it stands.
    pub origin: Arc<Origin>,
}

impl Exemption {
    /// How many days it holds after `today`: 0 on its last day, fewer when it has ended.
    pub fn days_left(&self, today: Date) -> i32 {
        today.until(self.expires).map_or(0, |span| span.get_days())
    }

    /// When it ends: the first moment after its last day.
    pub fn end(&self) -> Timestamp {
        let next = self.expires.tomorrow().unwrap_or(self.expires);
        Offset::UTC.to_timestamp(next.into()).unwrap_or(Timestamp::MAX)
    }

    /// Whether `today` is after its last day.
    pub fn has_ended(&self, today: Date) -> bool {
        today > self.expires
    }

    /// Whether it holds for a subject on the subject's day. The object's own word is not enough for it.
    pub fn holds(&self, subject: &Subject) -> bool {
        matches!(self.grant(subject), Grant::Holds)
    }

    /// What becomes of it for a subject on the subject's day.
    pub fn grant(&self, subject: &Subject) -> Grant<'_> {
        if self.has_ended(subject.today) {
            Grant::Ended
        } else if let Some((key, globs)) = self.matches.missed(subject) {
            Grant::Missed(key, globs)
        } else if self.matches.is_trusted(subject) {
            Grant::Holds
        } else {
            Grant::Unverified
        }
    }
}

/// What becomes of an exemption for a subject.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// It holds.
    Holds,
    /// Its last day is over.
    Ended,
    /// None of these patterns fits what the subject has under the key.
    Missed(Key, &'a [Glob]),
    /// Its patterns fit, but only by what the object says of itself.
    Unverified,
}

/// The codes and rules that exemptions waive, and where they do. What several waive is the first's by name.
pub(super) fn waived(exemptions: &[&Exemption]) -> BTreeMap<Arc<str>, Arc<Origin>> {
    let mut waived = BTreeMap::new();
    for (code, origin) in exemptions.iter().flat_map(|exemption| &exemption.waive) {
        waived.entry(Arc::clone(code)).or_insert_with(|| Arc::clone(origin));
    }
    waived
}

/// Raises limits, and says which by whom, by their keys joined by dots. Of two raises of one limit the stricter holds, and
/// none lowers it.
pub(super) fn raise(limits: &mut Map<String, Value>, exemptions: &[&Exemption]) -> BTreeMap<String, Arc<Origin>> {
    let mut raises: BTreeMap<&[String], (Value, &Arc<Origin>)> = BTreeMap::new();
    for leaf in exemptions.iter().flat_map(|exemption| &exemption.raise) {
        let Some((_, keys)) = leaf.path.split_first() else {
            continue;
        };
        match raises.entry(keys) {
            Entry::Vacant(entry) => {
                entry.insert((leaf.value.clone(), &leaf.origin));
            }
            Entry::Occupied(mut entry) => {
                let stricter = stricter(&entry.get().0, &leaf.value);
                if stricter != entry.get().0 {
                    entry.insert((stricter, &leaf.origin));
                }
            }
        }
    }
    let mut raised = BTreeMap::new();
    for (keys, (value, origin)) in raises {
        if let Some(limit) = at(limits, keys) {
            *limit = looser(limit, &value);
            raised.insert(keys.join("."), Arc::clone(origin));
        }
    }
    raised
}

/// The value under these keys.
fn at<'m>(map: &'m mut Map<String, Value>, keys: &[String]) -> Option<&'m mut Value> {
    let (first, below) = keys.split_first()?;
    let value = map.get_mut(first)?;
    below
        .iter()
        .try_fold(value, |value, key| value.as_object_mut()?.get_mut(key))
}

/// The lesser of two numbers; of two lists of patterns those that both have.
fn stricter(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => one.iter().filter(|item| other.contains(item)).cloned().collect(),
        _ => [one, other]
            .into_iter()
            .min_by_key(|value| leniency(value))
            .cloned()
            .unwrap_or_default(),
    }
}

/// The greater of two numbers; of two lists of patterns those that one of them has.
fn looser(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            let more = other.iter().filter(|item| !one.contains(item));
            one.iter().chain(more).cloned().collect()
        }
        _ => [other, one]
            .into_iter()
            .max_by_key(|value| leniency(value))
            .cloned()
            .unwrap_or_default(),
    }
}
