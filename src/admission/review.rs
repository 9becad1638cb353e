//! Reading a review: whether it is ours, and what it asks for.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::DeserializeSeed as _;
use thiserror::Error;

use crate::engine::bound::MOST_VALUES;
use crate::engine::{Bundle, Operation, Request};
use crate::facts::Facts;
use crate::json::{ReadError, Tree};
use crate::ray::Kind;

use super::Record;
use super::wire::{Eager, Envelope, Part, Wire, reading};

/// The API version of the reviews that are understood.
pub const API_VERSION: &str = "admission.k8s.io/v1";

/// Why a review cannot be answered.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// It is no JSON, or no AdmissionReview.
    #[error("the body is no AdmissionReview: {0}")]
    Unreadable(String),
    /// It is of another version.
    #[error("the review is {0}, raygate answers {API_VERSION} AdmissionReview")]
    Version(String),
    /// It has no request, or a request without a uid.
    #[error("the review has no {0}")]
    Missing(&'static str),
    /// Its operation has another set of objects.
    #[error("a review of operation {operation} needs {needs}")]
    Objects {
        /// The operation.
        operation: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// Its object cannot be read.
    #[error("the object of the review cannot be read: {0}")]
    Object(String),
    /// Its object is of another kind than the review says.
    #[error("the review is about a {0}, its object is not")]
    Kind(&'static str),
    /// An object has more than [`MOST_VALUES`] values.
    #[error("an object of the review has more than {MOST_VALUES} JSON values")]
    TooManyValues,
}

/// A review whose envelope has been read.
#[derive(Debug)]
pub struct Review<'a> {
    /// The uid that the answer repeats.
    pub uid: Cow<'a, str>,
    wire: Wire<'a>,
}

/// What a review asks for.
#[derive(Debug)]
pub enum Asked<'a> {
    /// Something about a Ray object.
    Judged(Box<Request<'a>>),
    /// Something else, which is not raygate's to judge.
    NotOurs,
}

impl<'a> Review<'a> {
    /// Reads a review, and the objects of a Ray kind with it.
    ///
    /// # Errors
    /// [`ReviewError`] says what is wrong with the envelope; what is wrong with an object, [`Review::asked`] says.
    pub fn read(body: &'a [u8]) -> Result<Review<'a>, ReviewError> {
        let text = text(body)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let envelope = Eager(text).deserialize(&mut deserializer);
        match envelope.and_then(|envelope| deserializer.end().map(|()| envelope)) {
            Ok(envelope) => Review::of(envelope),
            Err(_) => Review::read_envelope(body),
        }
    }

    /// Reads the envelope alone, whatever the objects are.
    ///
    /// # Errors
    /// [`ReviewError`] says what is wrong with it.
    pub fn read_envelope(body: &'a [u8]) -> Result<Review<'a>, ReviewError> {
        let envelope = serde_json::from_str(text(body)?);
        Review::of(envelope.map_err(|error| ReviewError::Unreadable(error.to_string()))?)
    }

    fn of(envelope: Envelope<'a>) -> Result<Review<'a>, ReviewError> {
        let (api_version, kind) = (&*envelope.api_version, &*envelope.kind);
        if api_version != API_VERSION || kind != "AdmissionReview" {
            let seen = format!("{:?} {:?}", truncate(api_version), truncate(kind));
            return Err(ReviewError::Version(seen));
        }
        let mut wire = envelope.request.ok_or(ReviewError::Missing("request"))?;
        let uid = std::mem::take(&mut wire.uid);
        if uid.is_empty() {
            return Err(ReviewError::Missing("request.uid"));
        }
        Ok(Review { uid, wire })
    }

    /// What the log says of it before anything is decided.
    pub fn record(&self, bundle: &Bundle) -> Record {
        let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
        Record {
            uid: self.uid.to_string(),
            operation: operation(&self.wire.operation).map_or_else(String::new, |(_, name)| name.to_owned()),
            namespace: text(&self.wire.namespace),
            name: text(&self.wire.name),
            kind: self.kind().map(|kind| kind.name).unwrap_or_default(),
            bundle: bundle.short_digest().to_owned(),
            ..Record::default()
        }
    }

    /// The kind of Ray object that it is about, if it is about one.
    pub fn kind(&self) -> Option<&'static Kind> {
        self.wire.ray_kind()
    }

    /// Whether nothing will be stored whatever the answer.
    pub fn is_dry_run(&self) -> bool {
        self.wire.dry_run == Some(true)
    }

    /// What is asked, with the objects read where they are ours.
    ///
    /// # Errors
    /// [`ReviewError`] where the objects do not fit the operation, or cannot be read.
    pub fn asked(&mut self, now: Timestamp) -> Result<Asked<'a>, ReviewError> {
        let wire = &mut self.wire;
        let is_whole = wire.sub_resource.as_deref().unwrap_or_default().is_empty();
        let kind = wire.ray_kind().filter(|_| is_whole);
        let Some((operation, name)) = operation(&wire.operation) else {
            return if kind.is_some() {
                Err(ReviewError::Missing("known request.operation"))
            } else {
                Ok(Asked::NotOurs)
            };
        };
        let Some(kind) = kind.filter(|_| !matches!(operation, Operation::Delete | Operation::Connect)) else {
            return Ok(Asked::NotOurs);
        };
        let object = read(std::mem::take(&mut wire.object))?.ok_or(ReviewError::Objects {
            operation: name,
            needs: "an object",
        })?;
        let old = read(std::mem::take(&mut wire.old_object))?;
        if operation == Operation::Update && old.is_none() {
            return Err(ReviewError::Objects {
                operation: name,
                needs: "an oldObject",
            });
        }
        // The API server writes the kind into every object, so another one is nothing that it would store.
        if [Some(&object), old.as_ref()]
            .into_iter()
            .flatten()
            .any(|object| !kind.names(object.root()))
        {
            return Err(ReviewError::Kind(kind.name));
        }
        Ok(Asked::Judged(Box::new(Request {
            operation,
            namespace: wire.namespace.as_deref().unwrap_or_default().to_owned(),
            user: wire.user_info.username.to_string(),
            object,
            old,
            now,
            facts: Facts::none(),
        })))
    }
}

/// The body as text, looked through once, so that no string in it has to be again.
fn text(body: &[u8]) -> Result<&str, ReviewError> {
    str::from_utf8(body).map_err(|error| ReviewError::Unreadable(error.to_string()))
}

fn operation(text: &str) -> Option<(Operation, &'static str)> {
    Some(match text {
        "CREATE" => (Operation::Create, "CREATE"),
        "UPDATE" => (Operation::Update, "UPDATE"),
        "DELETE" => (Operation::Delete, "DELETE"),
        "CONNECT" => (Operation::Connect, "CONNECT"),
        _ => return None,
    })
}

fn read(part: Part<'_>) -> Result<Option<Tree<'_>>, ReviewError> {
    let raw = match part {
        Part::Absent => return Ok(None),
        Part::Read(object) => return Ok(Some(object)),
        Part::Text(raw) => raw,
    };
    let tree = reading(raw.get()).read().map_err(|error| match error {
        ReadError::TooManyValues => ReviewError::TooManyValues,
        ReadError::Json(error) => ReviewError::Object(error.to_string()),
    })?;
    if tree.root().is_object() {
        Ok(Some(tree))
    } else {
        Err(ReviewError::Object("it is no JSON object".to_owned()))
    }
}

fn truncate(text: &str) -> String {
    crate::diag::truncated(text, 60).into_owned()
}
