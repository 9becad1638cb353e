//! Events of a kube-apiserver's audit log (`audit.k8s.io/v1`).
//!
//! A request leaves several events, one a stage; the one of the stage `ResponseComplete` is taken. From the level
//! `Request` on it has the object as the client sent it, before any webhook; below that it has none. An update has the
//! new object only, so it is judged as it stands, without asking what the update made worse.

use std::collections::HashSet;

use crate::engine::Operation;
use crate::json::{Json, Tree};
use crate::ray::{defaults, kind};
use crate::yaml::{Node, Step};

use super::asked::{Asked, Found, Skipped, name_of, not_ours, text, tree, value};

/// Reads events, each request once.
#[derive(Debug, Default)]
pub struct Events {
    seen: HashSet<String>,
}

impl Events {
    /// What an event asked, if it asked for something about a Ray object.
    pub fn read<'n>(&mut self, event: &'n Node) -> Found<'n> {
        let root = event.get("requestObject").filter(|node| node.as_mapping().is_some());
        let object = root.map(tree).unwrap_or_default();
        let reference = |key: &str| text(event, &["objectRef", key]);
        let name = match name_of(object.root()) {
            name if name.is_empty() => reference("name").to_owned(),
            name => name,
        };
        let namespace = match reference("namespace") {
            "" => value(object.root(), "/metadata/namespace").to_owned(),
            namespace => namespace.to_owned(),
        };
        let reason = self.reason(event, object.root()).or_else(|| {
            let level = text(event, &["level"]);
            root.is_none()
                .then(|| format!("an event of the level {level}, which has no object"))
        });
        match (root, reason) {
            (Some(root), None) => {
                self.seen.insert(text(event, &["auditID"]).to_owned());
                asked(event, root, object, name, namespace)
            }
            (_, reason) => Found::Skipped(Skipped {
                kind: "Event".to_owned(),
                name,
                namespace,
                reason: reason.unwrap_or_default(),
                is_misspelled: false,
            }),
        }
    }

    /// Why an event is passed over.
    fn reason(&self, event: &Node, object: Json<'_>) -> Option<String> {
        let subresource = text(event, &["objectRef", "subresource"]);
        match (text(event, &["objectRef", "resource"]), text(event, &["verb"])) {
            (resource, _) if kind::of_resource(resource).is_none() => Some("an event of another resource".to_owned()),
            (resource, _) if !subresource.is_empty() => Some(format!("an event of {resource}/{subresource}")),
            (_, "create" | "update") => None,
            (resource, verb) => Some(format!("a {verb} of {resource}, which has no whole object")),
        }
        .or_else(|| match text(event, &["stage"]) {
            "ResponseComplete" => None,
            stage => Some(format!("an event of the stage {stage}")),
        })
        .or_else(|| {
            let is_known = self.seen.contains(text(event, &["auditID"])) && !text(event, &["auditID"]).is_empty();
            is_known.then(|| "an event of a request that was seen already".to_owned())
        })
        .or_else(|| if object.is_null() { None } else { not_ours(object) })
    }
}

fn asked<'n>(event: &'n Node, root: &'n Node, mut object: Tree<'static>, name: String, namespace: String) -> Found<'n> {
    defaults::apply(&mut object);
    let user = ["impersonatedUser", "user"]
        .into_iter()
        .find_map(|key| event.at(&[Step::Key(key), Step::Key("username")])?.as_str());
    Found::Asked(Box::new(Asked {
        name,
        namespace,
        operation: match text(event, &["verb"]) {
            "update" => Operation::Update,
            _ => Operation::Create,
        },
        user: user.map(str::to_owned),
        object,
        old: None,
        is_written: false,
        root,
    }))
}
