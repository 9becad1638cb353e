//! What a document asks: a Ray object to be made, a recorded review, or an event of an audit log.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::diag::Sources;
use crate::engine::{Bundle, Operation, Request};
use crate::facts::Facts;
use crate::json::{Json, Tree};
use crate::ray::Kind;
use crate::ray::defaults;
use crate::ray::workload::forget_managed_fields;
use crate::yaml::{Node, Step};

use super::asked::{Asked, Found, Skipped, misspelled, name_of, not_ours, text, tree, value};
use super::audit::Events;
use super::{InputError, Piece};

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
    /// [`InputError`] if that file cannot be read or has no Ray object.
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
            let old = old.root();
            let namespace = value(old, "/metadata/namespace");
            value(old, "/metadata/name") == asked.name
                && Kind::of(old).is(asked.kind())
                && (namespace == asked.namespace || namespace.is_empty() || self.namespace.is_some())
        };
        if let Some(old) = self.old.iter().find(same) {
            asked.old = Some(old.clone());
        }
        match self.operation {
            Some(Operation::Update) if asked.old.is_none() => Err(InputError::NoOld {
                kind: asked.kind().name,
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

/// The Ray objects in the file of `--old`.
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
        return Err(InputError::NothingToJudge(file.clone()));
    }
    Ok(objects)
}

/// A Ray object that is to be made.
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
        is_written: true,
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
        is_written: false,
        root: document.at(&["request", "object"].map(Step::Key)).unwrap_or(document),
    }))
}

/// The request to create an object of a cluster again, as its author would send it: without what the cluster has noted of it.
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
        facts: Facts::none(),
    }
}

fn skipped<'n>(object: Json<'_>, name: String, namespace: String, reason: String) -> Found<'n> {
    Found::Skipped(Skipped {
        kind: value(object, "/kind").to_owned(),
        name,
        namespace,
        reason,
        is_misspelled: misspelled(object).is_some(),
    })
}
