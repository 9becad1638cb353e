//! A review as it lies on the wire, with its objects read in passing or left as text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ray::Kind;
use crate::ray::kind::{self, GROUP};

use super::json::Strict;

/// What stands around the request; `R` says how the request is read: as [`Wire`], or as [`Eager`].
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "R: Deserialize<'de>"))]
pub(super) struct Envelope<'a, R> {
    #[serde(borrow, default)]
    pub(super) api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    pub(super) request: Option<R>,
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
    Read(Value),
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

/// The request with the Ray objects read on the way, which spares a second walk over their text. Where
/// anything is wrong with one, this fails as a whole, and [`Wire`] can say what it is.
pub(super) struct Eager<'a>(pub(super) Wire<'a>);

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

impl<'de: 'a, 'a> Deserialize<'de> for Eager<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EagerVisitor).map(Eager)
    }
}

struct EagerVisitor;

impl<'de> Visitor<'de> for EagerVisitor {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request of a review")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wire<'de>, A::Error> {
        let mut wire = Wire::default();
        let mut seen = Vec::with_capacity(10);
        while let Some(field) = map.next_key()? {
            if field != Field::Other {
                if seen.contains(&field) {
                    return Err(A::Error::custom("a key stands twice in the request"));
                }
                seen.push(field);
            }
            match field {
                Field::Uid => wire.uid = map.next_value()?,
                Field::Kind => wire.kind = map.next_value()?,
                Field::SubResource => wire.sub_resource = map.next_value()?,
                Field::Name => wire.name = map.next_value()?,
                Field::Namespace => wire.namespace = map.next_value()?,
                Field::Operation => wire.operation = map.next_value()?,
                Field::DryRun => wire.dry_run = map.next_value()?,
                Field::UserInfo => wire.user_info = map.next_value()?,
                Field::Object => wire.object = part(&wire, &mut map)?,
                Field::OldObject => wire.old_object = part(&wire, &mut map)?,
                Field::Other => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(wire)
    }
}

/// An object: read where all before it says that it will be asked for, else left as text.
fn part<'de, A: MapAccess<'de>>(wire: &Wire<'_>, map: &mut A) -> Result<Part<'de>, A::Error> {
    if wire.ray_kind().is_none() || matches!(&*wire.operation, "DELETE" | "CONNECT") {
        return map.next_value();
    }
    match map.next_value::<Option<Strict>>()? {
        None => Ok(Part::Absent),
        Some(Strict(value)) if value.is_object() => Ok(Part::Read(value)),
        Some(_) => Err(A::Error::custom("it is no JSON object")),
    }
}
