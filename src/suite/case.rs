//! One case: its keys, and how they become a request and wishes.

use std::collections::BTreeMap;
use std::path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::Value;

use crate::diag::{Diagnostic, SourceId, Sources, Span, any_error, quoted};
use crate::engine::{Operation, Verdict};
use crate::facts::Facts;
use crate::json::{Json, Tree};
use crate::policy::load::Source;
use crate::policy::read::Reader;
use crate::ray::workload::forget_managed_fields;
use crate::ray::{defaults, kind};
use crate::yaml::{self, Limits, Node, Reading, Step};

use super::keys::CASE;
use super::{codes, merge};

/// Reads the file of this name, or says why not: how a case gets at the object that it is `from`.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A test file, read.
#[derive(Debug)]
pub struct TestFile {
    /// The file's name, as it was named to raygate.
    pub name: String,
    /// Its case; `None` where it has none that can be run.
    pub case: Option<Case>,
    /// What is wrong with the file. An error makes the case fail.
    pub diagnostics: Vec<Diagnostic>,
}

/// A case.
#[derive(Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The object, with the defaults of its CRD.
    pub object: Tree<'static>,
    /// What is asked for.
    pub operation: Operation,
    /// Who asks, where the case says.
    pub user: Option<String>,
    /// The namespace of the request.
    pub namespace: String,
    /// The object as it is, on an update.
    pub old: Option<Tree<'static>>,
    /// When it is asked.
    pub now: Timestamp,
    /// What is known of the cluster.
    pub facts: Arc<Facts>,
    /// What shall come of it; `None` where the case does not say.
    pub want: Option<Want>,
    /// The whole file.
    pub(super) node: Node,
    /// The file's text.
    pub(super) source: SourceId,
}

/// The day of a case that names none. It never moves, so that a case comes out tomorrow as it does today.
pub const DAY: Date = jiff::civil::date(2000, 1, 1);

/// What a case wants.
#[derive(Debug)]
pub struct Want {
    /// The verdict.
    pub verdict: Verdict,
    /// Where it stands.
    pub verdict_span: Span,
    /// The findings.
    pub findings: Vec<WantedFinding>,
    /// The values under their paths, and where each stands.
    pub changes: BTreeMap<String, (Value, Span)>,
    /// What policies in Preview would have done: policy, code, effect and path, and where each stands.
    pub previews: Vec<([String; 4], Span)>,
}

/// A finding that is wanted.
#[derive(Debug)]
pub struct WantedFinding {
    /// Its code.
    pub code: String,
    /// Its path, where that matters.
    pub path: Option<String>,
    /// What happens, where that matters.
    pub action: Option<String>,
    /// Where the wish stands.
    pub span: Span,
}

/// Reads a test file.
pub(super) fn read(sources: &mut Sources, file: &Source, read: ReadFile<'_>) -> TestFile {
    let (source, nodes, diagnostics) =
        yaml::read(sources, &file.name, &file.bytes, Reading::Cautious, &Limits::policies());
    let mut builder = Builder {
        file: &file.name,
        read,
        reader: Reader { diagnostics },
    };
    let case = match nodes.as_slice() {
        _ if any_error(&builder.reader.diagnostics) => None,
        [node] => builder.case(node, source),
        [_, second, ..] => {
            let span = second.locate(&[]);
            builder.push(
                Diagnostic::error(codes::NOT_A_CASE, "a test file holds one case, this is a second").at(span, ""),
            );
            None
        }
        [] => {
            let span = Span::new(source, 0, 0);
            builder.push(Diagnostic::error(codes::NOT_A_CASE, "the test file holds no case").at(span, ""));
            None
        }
    };
    TestFile {
        name: file.name.clone(),
        case,
        diagnostics: builder.reader.diagnostics,
    }
}

struct Builder<'a> {
    file: &'a str,
    read: ReadFile<'a>,
    reader: Reader,
}

impl Builder<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.reader.diagnostics.push(diagnostic);
    }

    fn case(&mut self, node: &Node, source: SourceId) -> Option<Case> {
        self.reader.object(node, CASE, "case");
        if any_error(&self.reader.diagnostics) {
            return None;
        }
        let object = self.object(node, None)?;
        let request = node.get("request");
        let request_text = |key: &str| request.and_then(|request| request.get(key)).and_then(Node::as_str);
        let operation = match request_text("operation") {
            Some("UPDATE") => Operation::Update,
            _ => Operation::Create,
        };
        let old_node = request.and_then(|request| request.get("old"));
        let old = match (operation, old_node) {
            (Operation::Update, Some(old)) => Some(self.object(old, Some(&object))?),
            (Operation::Update, None) => {
                let span = node.locate(&[Step::Key("request"), Step::Key("operation")]);
                let message = "an UPDATE has no `old`";
                self.push(
                    Diagnostic::error(codes::BAD_REQUEST, message)
                        .at(span, "")
                        .help("give the object as it is, for example `old: {unset: [spec.suspend]}`"),
                );
                None
            }
            (_, Some(old)) => {
                let message = "only an UPDATE has an `old`";
                self.push(
                    Diagnostic::error(codes::BAD_REQUEST, message)
                        .at(old.span, "")
                        .help("add `operation: UPDATE`"),
                );
                None
            }
            (_, None) => None,
        };
        if node.get("want").is_none() {
            self.push(
                Diagnostic::error(codes::NO_WANT, "the case wants nothing")
                    .at(node.locate(&[Step::Key("name")]), "")
                    .help("`raygate test --bless` writes what comes out today"),
            );
        }
        let namespace = request_text("namespace").map_or_else(
            || {
                let namespace = object.root().pointer("/metadata/namespace").and_then(Json::as_str);
                namespace.unwrap_or_default().to_owned()
            },
            str::to_owned,
        );
        let facts = match node.get("facts") {
            Some(facts) => self.facts(facts)?,
            None => Facts::none(),
        };
        let day = request_text("at").and_then(|day| day.parse().ok()).unwrap_or(DAY);
        Some(Case {
            now: Offset::UTC.to_timestamp(day.into()).unwrap_or_default(),
            name: node.get("name").and_then(Node::as_str).unwrap_or_default().to_owned(),
            user: request_text("user").map(str::to_owned),
            want: node.get("want").map(want),
            node: node.clone(),
            object,
            operation,
            namespace,
            old,
            facts,
            source,
        })
    }

    /// The object that `object` or `from`, `set` and `unset` come to; where there is neither, changes of `other`.
    fn object(&mut self, node: &Node, other: Option<&Tree<'_>>) -> Option<Tree<'static>> {
        let mut object = match (node.get("object"), node.get("from"), other) {
            (Some(object), None, _) => object.to_json(),
            (None, Some(from), _) => self.from(from)?,
            (None, None, Some(other)) => other.root().to_value(),
            (found, ..) => {
                let what = if found.is_some() { "both" } else { "neither" };
                let span = found.map_or_else(|| node.locate(&[Step::Key("name")]), |object| object.span);
                let message = format!("the case has {what} of `object` and `from`");
                self.push(
                    Diagnostic::error(codes::NO_OBJECT, message)
                        .at(span, "")
                        .help("give the object itself under `object`, or the file that holds it under `from`"),
                );
                return None;
            }
        };
        // As the API server does before it asks the webhook.
        object = with_defaults(&object).root().to_value();
        if let Some(set) = node.get("set") {
            for span in merge::idle(Some(&object), set) {
                self.changes_nothing(span, "`set` puts in what is there already");
            }
            merge(&mut object, set.to_json());
        }
        for item in node.get("unset").and_then(Node::as_sequence).unwrap_or_default() {
            let text = item.as_str().unwrap_or_default();
            match super::path::parse(text) {
                Some(path) if merge::unset(&mut object, &path) => {}
                Some(_) => self.changes_nothing(item.span, "`unset` names what is not there"),
                None => self.push(
                    Diagnostic::error(codes::BAD_PATH, format!("{} is no path", quoted(text)))
                        .at(item.span, "")
                        .help(format!("write it like {}", kind::example_path())),
                ),
            }
        }
        let mut object = with_defaults(&object);
        forget_managed_fields(&mut object);
        Some(object)
    }

    fn changes_nothing(&mut self, span: Span, message: &str) {
        self.push(
            Diagnostic::error(codes::CHANGES_NOTHING, message)
                .at(span, "")
                .help("take it out, or change what the case needs"),
        );
    }

    /// The facts of the case.
    fn facts(&mut self, node: &Node) -> Option<Arc<Facts>> {
        let tree = Tree::of(node).unwrap_or_default();
        match Facts::of_kinds(tree.root()) {
            Ok(facts) => Some(Arc::new(facts.timeless())),
            Err(error) => {
                self.push(
                    Diagnostic::error(codes::BAD_FACTS, format!("the case has no facts: {error}"))
                        .at(node.span, "")
                        .help("give what a file with facts has below `kinds`"),
                );
                None
            }
        }
    }

    /// A file that is named relative to the test file.
    fn beside(&self, name: &str) -> String {
        let folder = path::Path::new(self.file).parent().unwrap_or(path::Path::new(""));
        folder.join(name).display().to_string()
    }

    fn from(&mut self, from: &Node) -> Option<Value> {
        let file = self.beside(from.as_str().unwrap_or_default());
        let error = match (self.read)(&file) {
            Err(error) => error,
            Ok(bytes) => {
                let mut sources = Sources::new();
                let (_, nodes, diagnostics) =
                    yaml::read(&mut sources, &file, &bytes, Reading::Kubectl, &Limits::manifests());
                match (diagnostics.iter().find(|found| found.is_error()), nodes.as_slice()) {
                    (Some(error), _) => error.concise(&sources),
                    (None, [node]) => return Some(node.to_json()),
                    (None, nodes) => format!("it has {} documents", nodes.len()),
                }
            }
        };
        let message = format!("cannot take the object from {}: {error}", quoted(&file));
        self.push(
            Diagnostic::error(codes::NO_OBJECT, message)
                .at(from.span, "")
                .help("name a file with one Ray object, relative to the test file"),
        );
        None
    }
}

fn with_defaults(object: &Value) -> Tree<'static> {
    let mut tree = Tree::of(object).unwrap_or_default();
    defaults::apply(&mut tree);
    tree
}

/// The wishes of a `want` that was held against its keys.
fn want(node: &Node) -> Want {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let finding = |node: &Node| WantedFinding {
        code: text(node, "code").unwrap_or_default(),
        path: text(node, "path"),
        action: text(node, "action"),
        span: node.span,
    };
    let findings = node.get("findings").and_then(Node::as_sequence).unwrap_or_default();
    let changes = node.get("changes").and_then(Node::as_mapping).unwrap_or_default();
    let previews = node.get("previews").and_then(Node::as_sequence).unwrap_or_default();
    let preview = |node: &Node| {
        let words = ["policy", "code", "effect", "path"].map(|key| text(node, key).unwrap_or_default());
        (words, node.span)
    };
    Want {
        previews: previews.iter().map(preview).collect(),
        verdict: match text(node, "verdict").as_deref() {
            Some("Deny") => Verdict::Deny,
            Some("Retry") => Verdict::Retry,
            _ => Verdict::Allow,
        },
        verdict_span: node.get("verdict").map_or(node.span, |verdict| verdict.span),
        findings: findings.iter().map(finding).collect(),
        changes: changes
            .iter()
            .map(|entry| (entry.key.text.clone(), (entry.value.to_json(), entry.key.span)))
            .collect(),
    }
}
