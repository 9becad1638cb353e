//! What a document asks, before it is judged.

use jiff::Timestamp;

use crate::diag::suggest;
use crate::engine::{Bundle, Decoded, Operation, Request};
use crate::facts::Facts;
use crate::json::{Json, Tree};
use crate::ray::Kind;
use crate::ray::kind::{self, GROUP, KINDS};
use crate::yaml::{Node, Step};

/// A request about a Ray object, before it is known which policies judge it.
#[derive(Debug)]
pub struct Asked<'n> {
    /// The name of the object, or its `generateName`.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// What is done.
    pub operation: Operation,
    /// The user who asks, where that is known.
    pub user: Option<String>,
    /// The object, as the API server would send it: with the defaults of the CRD.
    pub object: Tree<'static>,
    /// The object as it was, where that is known.
    pub old: Option<Tree<'static>>,
    /// Whether the object is as its author wrote it, before the API server has read it.
    pub is_written: bool,
    /// Where the object stands.
    pub root: &'n Node,
}

impl Asked<'_> {
    /// The kind of the object.
    pub fn kind(&self) -> &'static Kind {
        Kind::of(self.object.root())
    }

    /// The request, by the user who would probably send it where that is not known, and what the API server finds when it
    /// reads the object.
    pub fn request(&self, bundle: &Bundle, now: Timestamp) -> (Request<'static>, Decoded) {
        let mut object = self.object.clone();
        let decoded = match self.is_written {
            true => Decoded::of(bundle, &mut object),
            false => Decoded::default(),
        };
        let request = Request {
            operation: self.operation,
            namespace: self.namespace.clone(),
            user: match &self.user {
                Some(user) => user.clone(),
                None => bundle.likely_user(self.object.root()).to_owned(),
            },
            object,
            old: self.old.clone(),
            now,
            facts: Facts::none(),
        };
        (request, decoded)
    }
}

/// A document that is not judged.
#[derive(Debug)]
pub struct Skipped {
    /// Its kind, empty where it has none.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Why, in words that hold for every such document.
    pub reason: String,
    /// Whether the API server has no such kind: the kind of a Ray object is misspelled.
    pub is_misspelled: bool,
}

/// What a document comes to.
#[derive(Debug)]
pub enum Found<'n> {
    /// Something to judge.
    Asked(Box<Asked<'n>>),
    /// Nothing to judge.
    Skipped(Skipped),
}

/// Why an object is not judged, if it is not.
pub fn not_ours(object: Json<'_>) -> Option<String> {
    let (kind, api) = (value(object, "/kind"), value(object, "/apiVersion"));
    let group = api.split_once('/').map_or("", |(group, _)| group);
    match kind {
        "" => Some("no kind, so no Ray object".to_owned()),
        _ if kind::named(kind).is_none() => {
            let near = misspelled(object).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            Some(format!("kind {kind} is no kind of Ray object{near}"))
        }
        _ if group != GROUP => Some(format!("apiVersion {api:?} is not of {GROUP}")),
        _ => None,
    }
}

/// The kind that was meant, if the object is of Ray's API group and its kind is almost one of Ray's.
pub(super) fn misspelled(object: Json<'_>) -> Option<&'static str> {
    let (kind, api) = (value(object, "/kind"), value(object, "/apiVersion"));
    let is_rays = api.split_once('/').is_some_and(|(group, _)| group == GROUP);
    let is_unknown = kind::named(kind).is_none();
    suggest(kind, KINDS.map(|kind| kind.name)).filter(|_| is_rays && is_unknown)
}

/// The object's name, or its `generateName`.
pub(super) fn name_of(object: Json<'_>) -> String {
    match value(object, "/metadata/name") {
        "" => value(object, "/metadata/generateName").to_owned(),
        name => name.to_owned(),
    }
}

pub(super) fn value<'v>(object: Json<'v>, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// The document of a node. The limit of a file is far below that of a tree.
pub(super) fn tree(node: &Node) -> Tree<'static> {
    Tree::of(node).unwrap_or_default()
}

/// The text at the end of a path, empty where there is none.
pub(super) fn text<'n>(document: &'n Node, path: &[&str]) -> &'n str {
    let steps: Vec<Step<'_>> = path.iter().map(|key| Step::Key(key)).collect();
    document.at(&steps).and_then(Node::as_str).unwrap_or_default()
}
