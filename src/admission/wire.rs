//! A review as it lies on the wire, with its objects read in passing or left as text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::engine::bound::MOST_VALUES;
use crate::json::{Reading, Tree};
use crate::ray::Kind;
use crate::ray::kind::{self, GROUP};

/// What stands around the request.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(super) api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) request: Option<Wire<'a>>,
}

/// The request; its objects stay text.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow, default)]
    pub(super) uid: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: GroupKind<'a>,
    #[serde(borrow, default)]
    pub(super) sub_resource: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) operation: Cow<'a, str>,
    #[serde(default)]
    pub(super) dry_run: Option<bool>,
    #[serde(borrow, default)]
    pub(super) user_info: User<'a>,
    #[serde(borrow, default)]
    pub(super) object: Part<'a>,
    #[serde(borrow, default)]
    pub(super) old_object: Part<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct GroupKind<'a> {
    #[serde(borrow, default)]
    pub(super) group: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct User<'a> {
    #[serde(borrow, default)]
    pub(super) username: Cow<'a, str>,
}

/// An object of the request.
#[derive(Debug, Default)]
pub(super) enum Part<'a> {
    /// None, or null.
    #[default]
    Absent,
    /// Its text.
    Text(&'a RawValue),
    /// What was read: an object.
    Read(Tree<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| match raw.get() {
            "null" => Part::Absent,
            _ => Part::Text(raw),
        })
    }
}

impl Wire<'_> {
    /// The kind of Ray object that the request is about, if it is about one.
    pub(super) fn ray_kind(&self) -> Option<&'static Kind> {
        kind::named(&self.kind.kind).filter(|_| self.kind.group == GROUP)
    }
}

/// How the object of a review is read: without its `metadata.managedFields`. Who set which field is the API server's own
/// bookkeeping, no rule reads it, and it is often a third of the text.
pub(super) fn reading(text: &str) -> Reading<'_> {
    Reading::of(text)
        .at_most(MOST_VALUES)
        .without(&["metadata", "managedFields"])
}

/// Reads the envelope in this text, and the Ray objects on the way, which spares a second walk over their text.
/// Where anything is wrong with one, this fails as a whole, and [`Wire`] can say what it is.
#[derive(Clone, Copy)]
pub(super) struct Eager<'a>(pub(super) &'a str);

/// The same for the request.
#[derive(Clone, Copy)]
struct EagerRequest<'a>(&'a str);

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum EnvelopeField {
    ApiVersion,
    Kind,
    Request,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Uid,
    Kind,
    SubResource,
    Name,
    Namespace,
    Operation,
    DryRun,
    UserInfo,
    Object,
    OldObject,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Eager<'de> {
    type Value = Envelope<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Envelope<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Eager<'de> {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a review")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        let mut seen = Seen::default();
        while let Some(field) = map.next_key()? {
            seen.once(field, field == EnvelopeField::Other)?;
            match field {
                EnvelopeField::ApiVersion => envelope.api_version = map.next_value()?,
                EnvelopeField::Kind => envelope.kind = map.next_value()?,
                EnvelopeField::Request => envelope.request = map.next_value_seed(EagerRequest(self.0))?,
                EnvelopeField::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

impl<'de> DeserializeSeed<'de> for EagerRequest<'de> {
    type Value = Option<Wire<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Wire<'de>>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EagerRequest<'de> {
    type Value = Option<Wire<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request of a review")
    }

    fn visit_unit<E>(self) -> Result<Option<Wire<'de>>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Wire<'de>>, A::Error> {
        let mut wire = Wire::default();
        let mut seen = Seen::default();
        while let Some(field) = map.next_key()? {
            seen.once(field, field == Field::Other)?;
            match field {
                Field::Uid => wire.uid = map.next_value()?,
                Field::Kind => wire.kind = map.next_value()?,
                Field::SubResource => wire.sub_resource = map.next_value()?,
                Field::Name => wire.name = map.next_value()?,
                Field::Namespace => wire.namespace = map.next_value()?,
                Field::Operation => wire.operation = map.next_value()?,
                Field::DryRun => wire.dry_run = map.next_value()?,
                Field::UserInfo => wire.user_info = map.next_value()?,
                Field::Object => wire.object = part(self.0, &wire, &mut map)?,
                Field::OldObject => wire.old_object = part(self.0, &wire, &mut map)?,
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(wire))
    }
}

/// The fields that were read.
struct Seen<F>(Vec<F>);

impl<F> Default for Seen<F> {
    fn default() -> Self {
        Seen(Vec::with_capacity(10))
    }
}

impl<F: Copy + PartialEq> Seen<F> {
    /// Fails where a field, other than those that are not read, comes for the second time.
    fn once<E: Error>(&mut self, field: F, is_other: bool) -> Result<(), E> {
        if is_other {
            return Ok(());
        }
        if self.0.contains(&field) {
            return Err(E::custom("a key stands twice in the request"));
        }
        self.0.push(field);
        Ok(())
    }
}

/// An object: read where all before it says that it will be asked for, else left as text.
fn part<'de, A: MapAccess<'de>>(text: &'de str, wire: &Wire<'_>, map: &mut A) -> Result<Part<'de>, A::Error> {
    if wire.ray_kind().is_none() || matches!(&*wire.operation, "DELETE" | "CONNECT") {
        return map.next_value();
    }
    let tree = map.next_value_seed(reading(text))?;
    match tree.root() {
        root if root.is_null() => Ok(Part::Absent),
        root if root.is_object() => Ok(Part::Read(tree)),
        _ => Err(A::Error::custom("it is no JSON object")),
    }
}
