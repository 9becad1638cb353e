//! Reading facts: raygate's own format, or a List of Kubernetes objects.

use jiff::Timestamp;
use thiserror::Error;

use crate::diag::{Sources, quoted, suggest};
use crate::json::{Json, Tree};
use crate::k8s::json::{child, given, items, text};
use crate::yaml::{self, Limits, Node, Reading};

use super::build::Builder;
use super::fact::Fact;
use super::set::{API_VERSION, Facts, KIND, State};

/// Why a document has no facts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FactsError {
    /// It is neither YAML nor JSON; the text says where and why.
    #[error("{0}")]
    Unreadable(String),
    /// It is something else.
    #[error("it must be {API_VERSION} {KIND}, or a List of Kubernetes objects, and is {0}")]
    Kind(String),
    /// It has another version.
    #[error("it has the version {0}, and this raygate reads {API_VERSION}")]
    Version(String),
    /// A key of it is unknown.
    #[error("{key} is unknown in {place}{near}")]
    Key {
        /// The key.
        key: String,
        /// Where it is.
        place: String,
        /// The key that was probably meant, in words.
        near: String,
    },
    /// A field of it is missing, or has the wrong type.
    #[error("{place} must be {wanted}")]
    Field {
        /// Where it is.
        place: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// It has no document.
    #[error("it is empty")]
    Empty,
    /// It has more than one document, of which one is raygate's own.
    #[error("it must have one document if that is {KIND}")]
    Documents,
}

impl Facts {
    /// Reads the bytes of a file, YAML or JSON, within the limits of [`Limits::manifests`].
    ///
    /// # Errors
    /// As [`Facts::read`], and if the bytes cannot be read at all.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Facts, FactsError> {
        // The observer writes JSON. Read without positions, it takes a fraction of the memory.
        if let Ok(text) = str::from_utf8(bytes)
            && bytes.len() <= Limits::manifests().bytes
            && yaml::is_json(text)
            && let Ok(tree) = Tree::read(text)
        {
            return Facts::read(&[tree.root()]);
        }
        let mut sources = Sources::new();
        let (_, nodes, diagnostics) = yaml::read(&mut sources, name, bytes, Reading::Kubectl, &Limits::manifests());
        if let Some(error) = diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
            return Err(FactsError::Unreadable(error.concise(&sources)));
        }
        let tree = |node: &Node| Tree::of(node).map_err(|error| FactsError::Unreadable(error.to_string()));
        let trees: Vec<Tree<'_>> = nodes.iter().map(tree).collect::<Result<_, _>>()?;
        let roots: Vec<Json<'_>> = trees.iter().map(Tree::root).collect();
        Facts::read(&roots)
    }

    /// Reads the documents of a file: one in raygate's own format, or Lists. Of a List, a kind is known if at least one
    /// object of it is listed, and of a namespaced kind only in the namespaces that have one: nobody can tell what else
    /// was asked for.
    ///
    /// # Errors
    /// [`FactsError`], of the first thing that is wrong. An object of which a field cannot be read is no error: its kind
    /// is unknown.
    pub fn read(documents: &[Json<'_>]) -> Result<Facts, FactsError> {
        let is_own = |document: &Json<'_>| text(*document, "kind") == Some(KIND);
        match documents {
            [] => Err(FactsError::Empty),
            [document] if is_own(document) => own(*document),
            documents if documents.iter().any(is_own) => Err(FactsError::Documents),
            documents => lists(documents),
        }
    }

    /// Reads what raygate's own format has below `kinds`, as a test case does.
    ///
    /// # Errors
    /// As [`Facts::read`].
    pub fn of_kinds(found: Json<'_>) -> Result<Facts, FactsError> {
        kinds(Builder::default(), found)
    }
}

/// Reads raygate's own format.
fn own(document: Json<'_>) -> Result<Facts, FactsError> {
    let version = text(document, "apiVersion").unwrap_or_default();
    if version != API_VERSION {
        return Err(FactsError::Version(quoted(version)));
    }
    let keys = ["apiVersion", "kind", "cluster", "kubernetes", "kinds"];
    known_keys(document, KIND, &keys)?;
    let name = |key: &str| match given(document, key) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or(FactsError::Field {
            place: key.to_owned(),
            wanted: "a text",
        }),
    };
    kinds(
        Builder::new(name("cluster")?, name("kubernetes")?),
        child(document, "kinds"),
    )
}

/// Reads what raygate's own format has below `kinds`.
fn kinds(mut builder: Builder, kinds: Json<'_>) -> Result<Facts, FactsError> {
    let kinds = kinds.as_object().ok_or_else(|| FactsError::Field {
        place: "kinds".to_owned(),
        wanted: "a map",
    })?;
    for (name, kind) in kinds.iter() {
        let fact = Fact::named(name).ok_or_else(|| unknown(name, "kinds", Fact::ALL.map(Fact::name)))?;
        let place = format!("kinds.{name}");
        match fact {
            Fact::Node => known_keys(
                kind,
                &place,
                &["readAt", "partial", "items", "unknown", "labels", "values"],
            )?,
            _ => known_keys(kind, &place, &["readAt", "partial", "items", "unknown"])?,
        }
        if let Some(reason) = given(kind, "unknown") {
            let reason = reason.as_str().unwrap_or("unknown");
            builder.state(fact, State::Unknown(reason.to_owned()));
            continue;
        }
        let read_at = match given(kind, "readAt") {
            None => None,
            Some(time) => Some(time.as_str().and_then(|time| time.parse::<Timestamp>().ok()).ok_or(
                FactsError::Field {
                    place: format!("{place}.readAt"),
                    wanted: "a time such as 2026-11-26T14:00:00Z",
                },
            )?),
        };
        let is_partial = child(kind, "partial").as_bool() == Some(true);
        builder.state(fact, State::Known { read_at, is_partial });
        let listed = child(kind, "items").as_array().ok_or(FactsError::Field {
            place: format!("{place}.items"),
            wanted: "a list",
        })?;
        if fact == Fact::Node {
            labels_of_nodes(&mut builder, kind)?;
        }
        listed.iter().for_each(|item| builder.add(fact, item));
    }
    Ok(builder.finish())
}

/// Reads the labels that all nodes have, and those that the nodes leave out.
fn labels_of_nodes(builder: &mut Builder, kind: Json<'_>) -> Result<(), FactsError> {
    for (key, value) in child(kind, "labels").as_object().into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| FactsError::Field {
            place: format!("kinds.Node.labels.{}", quoted(key)),
            wanted: "a text",
        })?;
        builder.common_label(key, value);
    }
    for (key, values) in child(kind, "values").as_object().into_iter().flatten() {
        let values = match values.as_array() {
            None if values.is_null() => Some(None),
            None => None,
            Some(values) => {
                let values = values.iter().map(|value| value.as_str().map(str::to_owned));
                values.collect::<Option<_>>().map(Some)
            }
        };
        let values = values.ok_or_else(|| FactsError::Field {
            place: format!("kinds.Node.values.{}", quoted(key)),
            wanted: "a list of texts, or null",
        })?;
        builder.values_of_label(key, values);
    }
    Ok(())
}

/// Reads Lists as `kubectl` prints them.
fn lists(documents: &[Json<'_>]) -> Result<Facts, FactsError> {
    let mut builder = Builder::default();
    for document in documents {
        let kind = text(*document, "kind").unwrap_or_default();
        let Some(of) = kind
            .strip_suffix("List")
            .filter(|_| child(*document, "items").is_array())
        else {
            let kind = match kind {
                "" => "a document without a kind".to_owned(),
                kind => quoted(kind),
            };
            return Err(FactsError::Kind(kind));
        };
        for item in items(*document, "items").iter() {
            // The items of a LimitRangeList do not repeat their kind.
            let kind = text(item, "kind").unwrap_or(of);
            let metadata = child(item, "metadata");
            let named = |key| text(metadata, key).unwrap_or_default();
            if let Some(fact) = Fact::named(kind).filter(|fact| fact.takes(named("namespace"), named("name"))) {
                let state = State::Known {
                    read_at: None,
                    is_partial: true,
                };
                builder.state(fact, state);
                builder.add(fact, item);
            }
        }
    }
    Ok(builder.finish())
}

/// Refuses keys that are not in the format.
fn known_keys<const N: usize>(value: Json<'_>, place: &str, keys: &[&'static str; N]) -> Result<(), FactsError> {
    let map = value.as_object().ok_or_else(|| FactsError::Field {
        place: place.to_owned(),
        wanted: "a map",
    })?;
    match map.keys().find(|key| !keys.contains(key)) {
        Some(key) => Err(unknown(key, place, *keys)),
        None => Ok(()),
    }
}

fn unknown<const N: usize>(key: &str, place: &str, keys: [&'static str; N]) -> FactsError {
    let near = suggest(key, keys).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    FactsError::Key {
        key: quoted(key),
        place: place.to_owned(),
        near,
    }
}
