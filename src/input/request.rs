//! What a document asks: a RayJob to be made, a recorded review, or an event of an audit log.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::diag::Sources;
use crate::engine::{Bundle, Operation, Request};
use crate::json::{Json, Tree};
use crate::ray::defaults;
use crate::ray::job::forget_managed_fields;
use crate::yaml::{Node, Step};

use super::audit::Events;
use super::{InputError, Piece};

/// A request about a RayJob, before it is known which policies judge it.
#[derive(Debug)]
pub struct Asked<'n> {
    /// The name of the RayJob, or its `generateName`.
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
    /// Where the object stands.
    pub root: &'n Node,
}

impl Asked<'_> {
    /// The request, by the user who would probably send it where that is not known.
    pub fn request(&self, bundle: &Bundle, now: Timestamp) -> Request<'static> {
        Request {
            operation: self.operation,
            namespace: self.namespace.clone(),
            user: match &self.user {
                Some(user) => user.clone(),
                None => bundle.likely_user(self.object.root()).to_owned(),
            },
            object: self.object.clone(),
            old: self.old.clone(),
            now,
        }
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
}

/// What a document comes to.
#[derive(Debug)]
pub enum Found<'n> {
    /// Something to judge.
    Asked(Box<Asked<'n>>),
    /// Nothing to judge.
    Skipped(Skipped),
}

/// What the command line says of every request.
#[derive(Debug, Default)]
pub struct Overrides {
    /// The user who asks.
    pub user: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// What is done.
    pub operation: Option<Operation>,
    /// The objects as they were.
    pub old: Vec<Tree<'static>>,
}

/// Takes documents for what they ask.
#[derive(Debug)]
pub struct Requests {
    overrides: Overrides,
    events: Events,
}

impl Requests {
    /// With what the command line says; `old` is a file with the objects as they were.
    ///
    /// # Errors
    /// [`InputError`] if that file cannot be read or has no RayJob.
    pub fn new(mut overrides: Overrides, old: Option<&PathBuf>) -> Result<Requests, InputError> {
        if let Some(file) = old {
            overrides.old = read_old(file)?;
            overrides.operation.get_or_insert(Operation::Update);
        }
        Ok(Requests {
            overrides,
            events: Events::default(),
        })
    }

    /// What a document asks.
    ///
    /// # Errors
    /// [`InputError`] where an update lacks the object as it was.
    pub fn of<'n>(&mut self, document: &'n Node) -> Result<Found<'n>, InputError> {
        let found = match text(document, &["kind"]) {
            "AdmissionReview" => review(document),
            "Event" if text(document, &["apiVersion"]).starts_with("audit.k8s.io/") => self.events.read(document),
            _ => manifest(document),
        };
        match found {
            Found::Asked(mut asked) => {
                self.overrides.apply(&mut asked)?;
                let objects = asked.old.iter_mut().chain([&mut asked.object]);
                objects.for_each(forget_managed_fields);
                Ok(Found::Asked(asked))
            }
            skipped @ Found::Skipped(_) => Ok(skipped),
        }
    }
}

impl Overrides {
    fn apply(&self, asked: &mut Asked<'_>) -> Result<(), InputError> {
        if let Some(user) = &self.user {
            asked.user = Some(user.clone());
        }
        if let Some(namespace) = &self.namespace {
            asked.namespace.clone_from(namespace);
            for object in asked.old.iter_mut().chain([&mut asked.object]) {
                let metadata = object.root_mut().key("metadata");
                // Without an object `metadata` there is no place for it.
                let _ = metadata.map(|metadata| metadata.insert("namespace", namespace.as_str()));
            }
        }
        let same = |old: &&Tree<'_>| {
            let namespace = value(old.root(), "/metadata/namespace");
            value(old.root(), "/metadata/name") == asked.name
                && (namespace == asked.namespace || namespace.is_empty() || self.namespace.is_some())
        };
        if let Some(old) = self.old.iter().find(same) {
            asked.old = Some(old.clone());
        }
        match self.operation {
            Some(Operation::Update) if asked.old.is_none() => Err(InputError::NoOld {
                namespace: asked.namespace.clone(),
                name: asked.name.clone(),
            }),
            Some(operation) => {
                asked.operation = operation;
                if operation == Operation::Create {
                    asked.old = None;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The RayJobs in the file of `--old`.
fn read_old(file: &PathBuf) -> Result<Vec<Tree<'static>>, InputError> {
    let files = super::files(std::slice::from_ref(file))?;
    let mut requests = Requests::new(Overrides::default(), None)?;
    let mut objects = Vec::new();
    super::read::<InputError>(&files, &Sources::new(), &mut |sources, piece| {
        match piece {
            Piece::Document(_, node) => {
                if let Found::Asked(asked) = requests.of(node)? {
                    objects.push(asked.object);
                }
            }
            Piece::Unreadable(diagnostic) => return Err(InputError::Unreadable(diagnostic.concise(sources))),
            Piece::Remark(_) => {}
        }
        Ok(())
    })?;
    if objects.is_empty() {
        return Err(InputError::NoRayJob(file.clone()));
    }
    Ok(objects)
}

/// A RayJob that is to be made.
fn manifest(document: &Node) -> Found<'_> {
    let mut object = tree(document);
    let root = object.root();
    let (name, namespace) = (name_of(root), value(root, "/metadata/namespace").to_owned());
    if let Some(reason) = not_ours(root) {
        return skipped(root, name, namespace, reason);
    }
    defaults::apply(&mut object);
    Found::Asked(Box::new(Asked {
        name,
        namespace,
        operation: Operation::Create,
        user: None,
        object,
        old: None,
        root: document,
    }))
}

/// What the API server asked once.
fn review(document: &Node) -> Found<'_> {
    let json = |key: &'static str| {
        let node = document.at(&[Step::Key("request"), Step::Key(key)]);
        node.filter(|node| node.as_mapping().is_some()).map(tree)
    };
    let object = json("object").unwrap_or_default();
    let root = object.root();
    let name = Some(name_of(root))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| text(document, &["request", "name"]).to_owned());
    let namespace = match text(document, &["request", "namespace"]) {
        "" => value(root, "/metadata/namespace").to_owned(),
        namespace => namespace.to_owned(),
    };
    let old = json("oldObject");
    let subresource = text(document, &["request", "subResource"]);
    let reason = match text(document, &["request", "operation"]) {
        "" | "CREATE" | "UPDATE" if !subresource.is_empty() => {
            Some(format!("a review of the subresource {subresource}"))
        }
        "UPDATE" if old.is_none() => Some("a review of an UPDATE without oldObject".to_owned()),
        "" | "CREATE" | "UPDATE" => not_ours(root),
        other => Some(format!("a review of the operation {other}, which is not judged")),
    };
    if let Some(reason) = reason {
        return skipped(root, name, namespace, reason);
    }
    let is_update = text(document, &["request", "operation"]) == "UPDATE";
    Found::Asked(Box::new(Asked {
        name,
        namespace,
        operation: if is_update {
            Operation::Update
        } else {
            Operation::Create
        },
        user: document
            .at(&["request", "userInfo", "username"].map(Step::Key))
            .and_then(Node::as_str)
            .map(str::to_owned),
        object,
        old: old.filter(|_| is_update),
        root: document.at(&["request", "object"].map(Step::Key)).unwrap_or(document),
    }))
}

/// The request to create a RayJob of a cluster again, as its author would send it: without what the cluster has noted of it.
pub fn created_anew<'t>(bundle: &Bundle, mut object: Tree<'t>, now: Timestamp) -> Request<'t> {
    object.root_mut().remove("status");
    forget_managed_fields(&mut object);
    Request {
        operation: Operation::Create,
        namespace: value(object.root(), "/metadata/namespace").to_owned(),
        user: bundle.likely_user(object.root()).to_owned(),
        object,
        old: None,
        now,
    }
}

/// Why an object is no RayJob, if it is none.
pub(super) fn not_ours(object: Json<'_>) -> Option<String> {
    match (value(object, "/kind"), value(object, "/apiVersion")) {
        ("RayJob", api) if api.starts_with("ray.io/") => None,
        ("RayJob", api) => Some(format!("apiVersion {api:?} is not of ray.io")),
        ("", _) => Some("no kind, so no RayJob".to_owned()),
        (kind, _) => Some(format!("kind {kind} is no RayJob")),
    }
}

fn skipped<'n>(object: Json<'_>, name: String, namespace: String, reason: String) -> Found<'n> {
    Found::Skipped(Skipped {
        kind: value(object, "/kind").to_owned(),
        name,
        namespace,
        reason,
    })
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
