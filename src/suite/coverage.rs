//! What no case notices: each part of the policies is taken out in turn, in memory, and the cases are run again.
//!
//! A part is a leaf of `defaults`, `force`, `limits` and `actions`, an element of a list, a clause of `match` and
//! `exclude`, or a rule; of an exemption what it waives and raises, and the clauses of its `match`. What a policy in Preview
//! would do is a part of what comes out. The parts are found through the table of the language, so a new key needs nothing
//! here. What only describes or orders a policy is no part; nor are the facts of the Platform other than its accelerators, since
//! the cases of one platform cannot know another.

use serde_json::Value;

use crate::diag::{Diagnostic, Sources, Span};
use crate::engine::Bundle;
use crate::policy;
use crate::policy::load::{Known, Source};
use crate::policy::schema::{DOCUMENTS, Field, Kind, SELECTOR};
use crate::yaml::{self, Limits, Node, Reading};

use super::codes;
use super::compare::compare;
use super::run::run;
use super::{Case, Suite};

/// Keys of a `spec` that are no parts: what they say, no RayJob shows.
const NO_PARTS: &[&str] = &["description", "mode", "priority", "kuberay", "flyte"];

/// What the cases notice.
#[derive(Debug)]
pub struct Coverage {
    /// The texts of the policies.
    pub sources: Sources,
    /// The parts that were taken out.
    pub parts: usize,
    /// Those that no case noticed, by file and place.
    pub unnoticed: Vec<Unnoticed>,
}

/// A part that no case notices.
#[derive(Clone, Debug)]
pub struct Unnoticed {
    /// The document and the keys down to the part: `default: spec.defaults.readiness`.
    pub part: String,
    /// Where it stands.
    pub span: Span,
}

impl Unnoticed {
    /// The same for people.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(
            codes::NOT_NOTICED,
            format!("no case notices that `{}` is gone", self.part),
        )
        .at(self.span, "")
        .help("add a case that depends on it, or take it out")
    }
}

/// Takes out each part of the policies in turn; those `beside` them hold, and stay whole. The cases must all pass with
/// the whole of both.
pub fn coverage(policies: &[Source], beside: &[Source], known: &Known, suite: &Suite) -> Coverage {
    let mut coverage = Coverage {
        sources: Sources::new(),
        parts: 0,
        unnoticed: Vec::new(),
    };
    let mut documents = Vec::new();
    let mut own = 0;
    for (position, file) in policies.iter().chain(beside).enumerate() {
        let (_, nodes, _) = yaml::read(
            &mut coverage.sources,
            &file.name,
            &file.bytes,
            Reading::Cautious,
            &Limits::policies(),
        );
        documents.extend(nodes);
        if position < policies.len() {
            own = documents.len();
        }
    }
    let whole: Vec<Value> = documents.iter().map(Node::to_json).collect();
    for (position, document) in documents.iter().enumerate().take(own) {
        for part in parts(document) {
            let mut changed = whole.clone();
            if let Some(document) = changed.get_mut(position) {
                take_out(document, &part.steps);
            }
            let Some(bundle) = loaded(&changed, known) else {
                continue;
            };
            coverage.parts += 1;
            let is_noticed = |case: &Case| !compare(case, &run(case, &bundle), &suite.sources).is_empty();
            if !suite.cases().any(is_noticed) {
                coverage.unnoticed.push(Unnoticed {
                    part: name(document, &part.steps),
                    span: part.span,
                });
            }
        }
    }
    coverage.unnoticed.sort_by_key(|part| part.span);
    coverage
}

/// The policies, unless they cannot be used without the part: then the loader notices.
fn loaded(documents: &[Value], known: &Known) -> Option<Bundle> {
    let sources: Vec<Source> = documents
        .iter()
        .enumerate()
        .map(|(position, document)| Source::new(&position.to_string(), &document.to_string()))
        .collect();
    let loaded = policy::load(&sources, known);
    loaded.is_usable().then(|| Bundle::new(loaded.set))
}

/// A step down to a part.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

struct Part {
    steps: Vec<Step>,
    span: Span,
}

fn parts(document: &Node) -> Vec<Part> {
    let mut out = Vec::new();
    let kind = document.get("kind").and_then(Node::as_str);
    let is_off = document
        .get("spec")
        .and_then(|spec| spec.get("mode"))
        .and_then(Node::as_str)
        == Some("Disabled");
    if let Some(table) = DOCUMENTS.iter().find(|table| Some(table.kind) == kind)
        && let Some(spec) = document.get("spec").filter(|_| !is_off)
    {
        let fields = table.spec.iter().filter(|field| !NO_PARTS.contains(&field.key));
        entries(spec, fields, &[Step::Key("spec".to_owned())], &mut out);
    }
    out
}

fn entries<'f>(node: &Node, fields: impl Iterator<Item = &'f Field>, steps: &[Step], out: &mut Vec<Part>) {
    for field in fields {
        if let Some(entry) = node.entry(field.key) {
            let steps = below(steps, Step::Key(field.key.to_owned()));
            value(&entry.value, entry.key.span, &field.kind, field.required, steps, out);
        }
    }
}

/// The parts that a value holds, or the value itself.
fn value(node: &Node, span: Span, kind: &Kind, required: bool, steps: Vec<Step>, out: &mut Vec<Part>) {
    match kind {
        Kind::Object(fields) => entries(node, fields.iter(), &steps, out),
        Kind::Map(_, kind) => {
            for entry in node.as_mapping().unwrap_or_default() {
                let steps = below(&steps, Step::Key(entry.key.text.clone()));
                value(&entry.value, entry.key.span, kind, false, steps, out);
            }
        }
        Kind::List(_) | Kind::Keyed(..) | Kind::Set(_) => {
            let items = node.as_sequence().unwrap_or_default();
            if items.len() < 2 && !required {
                out.push(Part {
                    steps: steps.clone(),
                    span,
                });
            }
            for (index, item) in items.iter().enumerate() {
                let steps = below(&steps, Step::Index(index));
                if let Kind::List(Kind::Object(fields)) = kind
                    && is_selector(fields)
                {
                    entries(item, fields.iter(), &steps, out);
                }
                if items.len() > 1 {
                    let span = item.locate(&[]);
                    out.push(Part { steps, span });
                }
            }
        }
        _ if required => {}
        _ => out.push(Part { steps, span }),
    }
}

/// Whether a list of objects is one of selectors, whose clauses are parts of their own.
fn is_selector(fields: &[Field]) -> bool {
    std::ptr::eq(fields, SELECTOR)
}

fn below(steps: &[Step], step: Step) -> Vec<Step> {
    let mut steps = steps.to_vec();
    steps.push(step);
    steps
}

fn take_out(document: &mut Value, steps: &[Step]) {
    let Some((last, above)) = steps.split_last() else {
        return;
    };
    let holder = above.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(*index),
    });
    match (holder, last) {
        (Some(Value::Object(map)), Step::Key(key)) => {
            map.remove(key);
        }
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}

fn name(document: &Node, steps: &[Step]) -> String {
    let metadata = document.get("metadata").and_then(|metadata| metadata.get("name"));
    let mut text = metadata
        .or_else(|| document.get("kind"))
        .and_then(Node::as_str)
        .unwrap_or_default()
        .to_owned();
    text.push(':');
    let mut separator = " ";
    for step in steps {
        match step {
            Step::Key(key) => {
                text.push_str(separator);
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
        separator = ".";
    }
    text
}
