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
use crate::yaml::{self, Entry, Limits, Node, NodeValue, Reading, Step};

use super::keys::CASE;
use super::{codes, merge};

/// Reads the file of this name, or says why not: how a case gets at the object that it is `from`.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A test file, read.
#[derive(Debug)]
pub struct TestFile {
    /// The file's name, as it was named to raygate.
    pub name: String,
    /// The cases in it that can be run.
    pub cases: Vec<Case>,
    /// What is wrong with the rest of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The whole file; `None` where it is not one document.
    pub(super) node: Option<Node>,
    /// The file's text.
    pub(super) source: SourceId,
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
    /// The expected result; `None` where the case names nothing.
    pub want: Option<Want>,
    /// What is wrong with the case. An error makes it fail.
    pub diagnostics: Vec<Diagnostic>,
    /// The case in its file.
    pub(super) node: Node,
    /// Its place in the table of its file, where it has one.
    pub(super) row: Option<usize>,
}

/// The day of a case that names none. It never moves, so that a case comes out tomorrow as it does today.
pub const DAY: Date = jiff::civil::date(2000, 1, 1);

/// What a case wants. What is `None` is not named, and compared only where everything is.
#[derive(Debug, Default)]
pub struct Want {
    /// Whether everything is compared.
    pub exact: bool,
    /// The verdict, and where it stands.
    pub verdict: Option<(Verdict, Span)>,
    /// The findings.
    pub findings: Option<Vec<WantedFinding>>,
    /// The values under their paths, and where each stands.
    pub changes: Option<BTreeMap<String, (Value, Span)>>,
    /// What policies in Preview would have done.
    pub previews: Option<Vec<WantedPreview>>,
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

/// What a policy in Preview is wanted to do.
#[derive(Debug)]
pub struct WantedPreview {
    /// The policy.
    pub policy: String,
    /// The injector, the check, or `rule/NAME`.
    pub code: String,
    /// The effect, where that matters.
    pub effect: Option<String>,
    /// The path, where that matters.
    pub path: Option<String>,
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
    let cases = match nodes.as_slice() {
        _ if any_error(&builder.reader.diagnostics) => Vec::new(),
        [node] => builder.cases(node),
        [_, second, ..] => {
            let span = second.locate(&[]);
            builder.push(
                Diagnostic::error(codes::NOT_A_CASE, "a test file has one document, this is a second")
                    .at(span, "")
                    .help("write several cases of one object below `cases`, and others into files of their own"),
            );
            Vec::new()
        }
        [] => {
            let span = Span::new(source, 0, 0);
            builder.push(Diagnostic::error(codes::NOT_A_CASE, "the test file holds no case").at(span, ""));
            Vec::new()
        }
    };
    TestFile {
        name: file.name.clone(),
        cases,
        diagnostics: builder.reader.diagnostics,
        node: nodes.into_iter().next(),
        source,
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

    /// The cases of a file. What is wrong with one is its own where it can be run, else the file's.
    fn cases(&mut self, node: &Node) -> Vec<Case> {
        self.reader.object(node, CASE, "case");
        if any_error(&self.reader.diagnostics) {
            return Vec::new();
        }
        let Some(object) = self.object(node, None) else {
            return Vec::new();
        };
        let Some(rows) = node.get("cases") else {
            return self.case(node, None, &object).into_iter().collect();
        };
        if let Some(want) = node.entry("want") {
            self.push(
                Diagnostic::error(codes::NOT_A_CASE, "a file with `cases` has no `want`")
                    .at(want.key.span, "")
                    .help("give each case its own `want`"),
            );
        }
        let rows = rows.as_sequence().unwrap_or_default();
        if rows.is_empty() {
            self.push(
                Diagnostic::error(codes::NOT_A_CASE, "`cases` is empty").at(node.locate(&[Step::Key("cases")]), ""),
            );
        }
        let of_file = std::mem::take(&mut self.reader.diagnostics);
        let mut cases = Vec::new();
        let mut broken = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let case = self
                .changed(object.root().to_value(), row)
                .and_then(|object| self.case(node, Some((index, row)), &object));
            match case {
                Some(case) => cases.push(case),
                None => broken.append(&mut self.reader.diagnostics),
            }
        }
        self.reader.diagnostics = of_file;
        self.reader.diagnostics.append(&mut broken);
        cases
    }

    /// The case of a file, or of a row of its table. Takes the diagnostics along.
    fn case(&mut self, file: &Node, row: Option<(usize, &Node)>, object: &Tree<'static>) -> Option<Case> {
        let node = row.map_or(file, |(_, row)| row);
        let in_request = |key: &str| {
            let own = node.get("request").and_then(|request| request.get(key));
            own.or_else(|| file.get("request").and_then(|request| request.get(key)))
        };
        let request_text = |key: &str| in_request(key).and_then(Node::as_str);
        let operation = match request_text("operation") {
            Some("UPDATE") => Operation::Update,
            _ => Operation::Create,
        };
        let old = match (operation, in_request("old")) {
            (Operation::Update, Some(old)) => Some(self.object(old, Some(object))?),
            (Operation::Update, None) => {
                let named = if node.get("request").is_some() { node } else { file };
                let span = named.locate(&[Step::Key("request"), Step::Key("operation")]);
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
        let want = node.get("want").and_then(want);
        if want.is_none() {
            self.push(
                Diagnostic::error(codes::NO_WANT, "the case wants nothing")
                    .at(node.locate(&[Step::Key("name")]), "")
                    .help("`raygate test --bless` writes today's verdict and findings")
                    .help("it also writes today's changes where the case has `want: {changes: {}}`, and everything where it has `want: {exact: true}`"),
            );
        }
        let namespace = request_text("namespace").map_or_else(
            || {
                let namespace = object.root().pointer("/metadata/namespace").and_then(Json::as_str);
                namespace.unwrap_or_default().to_owned()
            },
            str::to_owned,
        );
        let facts = match node.get("facts").or_else(|| file.get("facts")) {
            Some(facts) => self.facts(facts)?,
            None => Facts::none(),
        };
        let day = request_text("at").and_then(|day| day.parse().ok()).unwrap_or(DAY);
        let own_name = node.get("name").and_then(Node::as_str).unwrap_or_default();
        let name = match (row, file.get("name").and_then(Node::as_str)) {
            (Some(_), Some(of_file)) => format!("{of_file}: {own_name}"),
            _ => own_name.to_owned(),
        };
        Some(Case {
            now: Offset::UTC.to_timestamp(day.into()).unwrap_or_default(),
            name,
            user: request_text("user").map(str::to_owned),
            want,
            diagnostics: std::mem::take(&mut self.reader.diagnostics),
            node: node.clone(),
            row: row.map(|(index, _)| index),
            object: object.clone(),
            operation,
            namespace,
            old,
            facts,
        })
    }

    /// The object that `object` or `from`, `set` and `unset` give; where there is neither, changes of `other`.
    fn object(&mut self, node: &Node, other: Option<&Tree<'_>>) -> Option<Tree<'static>> {
        let object = match (node.get("object"), node.get("from"), other) {
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
        self.changed(object, node)
    }

    /// An object with the `set` and `unset` of a node, and the defaults of its CRD before and after.
    fn changed(&mut self, object: Value, node: &Node) -> Option<Tree<'static>> {
        // As the API server does before it asks the webhook.
        let mut object = with_defaults(&object).root().to_value();
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

/// The wishes of a `want` that was held against its keys; `None` where it names nothing.
fn want(node: &Node) -> Option<Want> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let finding = |node: &Node| WantedFinding {
        code: text(node, "code").unwrap_or_default(),
        path: text(node, "path"),
        action: text(node, "action"),
        span: node.span,
    };
    let preview = |node: &Node| WantedPreview {
        policy: text(node, "policy").unwrap_or_default(),
        code: text(node, "code").unwrap_or_default(),
        effect: text(node, "effect"),
        path: text(node, "path"),
        span: node.span,
    };
    let verdict = |node: &Node| {
        let verdict = match node.as_str() {
            Some("Deny") => Verdict::Deny,
            Some("Retry") => Verdict::Retry,
            _ => Verdict::Allow,
        };
        (verdict, node.span)
    };
    let list = |key: &str| node.get(key).and_then(Node::as_sequence);
    let want = Want {
        exact: is_exact(node),
        verdict: node.get("verdict").map(verdict),
        findings: list("findings").map(|findings| findings.iter().map(finding).collect()),
        changes: node.get("changes").and_then(Node::as_mapping).map(|changes| {
            let change = |entry: &Entry| (entry.key.text.clone(), (entry.value.to_json(), entry.key.span));
            changes.iter().map(change).collect()
        }),
        previews: list("previews").map(|previews| previews.iter().map(preview).collect()),
    };
    let names_nothing =
        want.verdict.is_none() && want.findings.is_none() && want.changes.is_none() && want.previews.is_none();
    (!names_nothing).then_some(want)
}

/// Whether a `want` compares everything.
pub(super) fn is_exact(want: &Node) -> bool {
    want.get("exact")
        .is_some_and(|exact| matches!(exact.value, NodeValue::Bool(true)))
}
