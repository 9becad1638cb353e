//! Checks a config against the models.

use crate::diag::quoted;
use crate::diag::{Span, suggest};
use crate::k8s::path::{Path, Step};
use crate::ray::go_yaml::Document;
use crate::yaml::{Entry, Node, NodeValue};

use super::keys::MODELS;
use super::kinds::{Field, Kind, Model, Releases, Typed};
use super::{MOST, Place, Problem};

/// The problems found so far.
pub(super) struct Walk<'d> {
    document: &'d Document,
    /// Each with the releases that reject it, which its sentence does not name yet.
    problems: Vec<(Problem, Releases)>,
    more: usize,
}

impl<'d> Walk<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            document,
            problems: Vec::new(),
            more: 0,
        }
    }

    /// Checks the whole config.
    pub(super) fn config(&mut self) {
        self.model("ServeDeploySchema", self.document.root(), &Path::ROOT, Releases::ALL);
    }

    /// The problems in the order of the text, and how many more there are.
    ///
    /// Where our tree may differ from KubeRay's, no release is sure to reject anything.
    pub(super) fn finish(self) -> (Vec<Problem>, usize) {
        let is_exact = self.document.differences().is_empty();
        let complete = |(mut problem, rejecting): (Problem, Releases)| {
            if !rejecting.is_none() {
                problem.found = format!("{}, {} it", problem.found, rejecting.who_rejects());
            }
            problem.rejected_by = if is_exact { rejecting } else { Releases::NONE };
            problem
        };
        let mut problems: Vec<Problem> = self.problems.into_iter().map(complete).collect();
        problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
        (problems, self.more)
    }

    /// The key at a span, without quotes.
    pub(super) fn key_at(&self, span: Span) -> String {
        self.document.slice(span).trim_matches(['"', '\'']).to_owned()
    }

    /// Reports what no release rejects: most of it is ignored.
    pub(super) fn report(&mut self, path: &Path, span: Span, found: String, fix: String) {
        self.push(path, span, found, fix, Releases::NONE);
    }

    /// Reports what these releases reject; nothing where there are none.
    ///
    /// One value may be wrong for some releases by its type and for the others by a rule. That is one problem.
    pub(super) fn reject(&mut self, path: &Path, span: Span, found: &str, fix: impl Into<String>, by: Releases) {
        if by.is_none() {
            return;
        }
        let is_part = |problem: &Problem, rejecting: Releases| {
            problem.place.path == *path && !rejecting.is_none() && (rejecting & by).is_none()
        };
        match self
            .problems
            .iter_mut()
            .find(|(problem, rejecting)| is_part(problem, *rejecting))
        {
            Some((_, rejecting)) => *rejecting = *rejecting | by,
            None => self.push(path, span, found.to_owned(), fix.into(), by),
        }
    }

    fn push(&mut self, path: &Path, span: Span, found: String, fix: String, rejecting: Releases) {
        if self.problems.len() >= MOST {
            self.more += 1;
            return;
        }
        let problem = Problem {
            place: Place::new(path, self.document.location(span)),
            found,
            fix,
            rejected_by: rejecting,
        };
        self.problems.push((problem, rejecting));
    }

    /// Checks a mapping against a model that these releases read at this place.
    fn model(&mut self, name: &str, node: &Node, path: &Path, releases: Releases) {
        let Some(model) = Model::named(name) else { return };
        // A value that pydantic 1 takes for a mapping is as good as an empty one.
        let entries = node.as_mapping().unwrap_or_default();
        for entry in entries {
            match model.fields.iter().find(|field| field.key == entry.key.text) {
                Some(field) => self.field(model, field, entry, path, releases),
                None => self.unknown_key(model, entry, path, releases),
            }
        }
        let is_complete = self.document.differences().is_empty();
        for field in model.fields.iter().filter(|_| is_complete) {
            let missing = field.required & releases;
            if node.get(field.key).is_none() && !missing.is_none() {
                let elsewhere = entries
                    .iter()
                    .find(|entry| suggest(&entry.key.text, [field.key]).is_some());
                let fix = match elsewhere {
                    Some(entry) => format!("Write `{}` instead of {}", field.key, quoted(&entry.key.text)),
                    None => format!("Add `{}`", field.key),
                };
                let span = entries.first().map_or(node.span, |entry| entry.key.span);
                let found = format!("{} lacks `{}`", described(path), field.key);
                self.reject(path, span, &found, fix, missing);
            }
        }
        self.check_rules(model.name, node, path, releases);
    }

    fn unknown_key(&mut self, model: &Model, entry: &Entry, path: &Path, releases: Releases) {
        let key = &entry.key.text;
        let path = path.name(key);
        let keys = |model: &Model| model.fields.iter().map(|field| field.key);
        let fix = if let Some((home, _)) = below(model, |inner| keys(inner).find(|known| known == key)) {
            format!("Write it below `{home}`")
        } else if let Some(meant) = suggest(key, keys(model)) {
            format!("Did you mean `{meant}`?")
        } else if let Some((home, meant)) = below(model, |inner| suggest(key, keys(inner))) {
            format!("Did you mean `{meant}` below `{home}`?")
        } else {
            "Remove it, or correct its name".to_owned()
        };
        let found = format!("unknown key {}", quoted(key));
        let forbidding = model.forbids & releases;
        if forbidding.is_none() {
            self.report(&path, entry.key.span, format!("{found}, Ray ignores it"), fix);
        } else {
            self.reject(&path, entry.key.span, &found, fix, forbidding);
        }
    }

    fn field(&mut self, model: &Model, field: &Field, entry: &Entry, path: &Path, releases: Releases) {
        let path = path.key(field.key);
        let forbidding = model.forbids & model.known & releases & !field.known;
        if !forbidding.is_none() {
            let found = format!("key `{}` is unknown to some releases", field.key);
            self.reject(
                &path,
                entry.key.span,
                &found,
                "Remove it, or use a release that knows it",
                forbidding,
            );
        }
        let knowing = field.known & releases;
        if entry.value.value == NodeValue::Null {
            let expected = field
                .types
                .last()
                .map(|typed| typed.kind.to_string())
                .unwrap_or_default();
            let found = format!("`{}` is null", field.key);
            self.reject(
                &path,
                entry.value.span,
                &found,
                format!("Write {expected}, or leave the key out"),
                knowing & !field.nullable,
            );
            return;
        }
        let by = |typed: &Typed| typed.kind.rejected(&entry.value) & typed.known & releases;
        let rejecting = field.types.iter().fold(Releases::NONE, |all, typed| all | by(typed));
        if let Some(typed) = field.types.iter().rev().find(|typed| !by(typed).is_none()) {
            self.mismatch(&typed.kind, &entry.value, &path, rejecting);
        }
        for typed in field.types {
            let accepting = typed.known & releases & !by(typed);
            self.inside(&typed.kind, &entry.value, &path, accepting);
        }
    }

    /// Checks what is inside a value that these releases accept.
    fn inside(&mut self, kind: &Kind, node: &Node, path: &Path, releases: Releases) {
        if releases.is_none() {
            return;
        }
        match kind {
            Kind::Model(name) => self.model(name, node, path, releases),
            Kind::List(inner) => {
                for (index, item) in node.as_sequence().unwrap_or_default().iter().enumerate() {
                    self.value(inner, item, &path.index(index), releases);
                }
            }
            Kind::Map(inner) => {
                for entry in node.as_mapping().unwrap_or_default() {
                    self.value(inner, &entry.value, &path.name(&entry.key.text), releases);
                }
            }
            Kind::Any | Kind::Str | Kind::Bool | Kind::Dict | Kind::Number(_) | Kind::Enum(_) | Kind::OneOf(_) => {}
        }
    }

    fn value(&mut self, kind: &Kind, node: &Node, path: &Path, releases: Releases) {
        let rejecting = kind.rejected(node) & releases;
        if !rejecting.is_none() {
            self.mismatch(kind, node, path, rejecting);
        }
        self.inside(kind, node, path, releases & !rejecting);
    }

    fn mismatch(&mut self, kind: &Kind, node: &Node, path: &Path, releases: Releases) {
        let found = match (&node.value, kind) {
            (NodeValue::Null, _) => "null".to_owned(),
            (NodeValue::Number(number), _) => number.to_string(),
            (NodeValue::Bool(value), _) => value.to_string(),
            (NodeValue::String(text), Kind::Enum(_)) => quoted(text),
            _ => node.kind().to_owned(),
        };
        let meant = match (&node.value, kind) {
            (NodeValue::String(text), Kind::Enum(values)) => suggest(text, values.iter().copied()),
            _ => None,
        };
        // Of all texts, Ray takes one.
        let expected = match path.steps().last() {
            Some(Step::Key(key)) if key == "num_replicas" => "an integer of at least 1 or `auto`".to_owned(),
            _ => kind.to_string(),
        };
        let fix = match meant {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("Write {expected}"),
        };
        let found = format!("{} is {found}, must be {expected}", described(path));
        self.reject(path, node.span, &found, fix, releases);
    }
}

/// The last key of a path with the indices behind it, in backquotes; the root has a name. The line of a problem says the
/// rest.
pub(super) fn described(path: &Path) -> String {
    let steps = path.steps();
    let Some(last) = steps.iter().rposition(|step| matches!(step, Step::Key(_))) else {
        return "the config".to_owned();
    };
    let end = steps.iter().skip(last);
    let end = end.fold(Path::ROOT, |path, step| match step {
        Step::Key(key) => path.name(key),
        Step::Index(index) => path.index(*index),
    });
    quoted(&end.to_string())
}

/// The nearest of the models inside a model in which something is found: the keys that lead to it, and what is found.
fn below<T>(model: &Model, find: impl Fn(&'static Model) -> Option<T>) -> Option<(String, T)> {
    let inner = |kind: &Kind| match kind {
        Kind::Model(name) => Model::named(name),
        Kind::List(Kind::Model(name)) => Model::named(name),
        _ => None,
    };
    let mut waiting: Vec<(String, &Model)> = vec![(String::new(), model)];
    // No model contains itself, so that as many steps as there are models are enough.
    for _ in 0..=MODELS.len() {
        let (path, model) = waiting.pop()?;
        for field in model.fields {
            let Some(inner) = field.types.iter().rev().find_map(|typed| inner(&typed.kind)) else {
                continue;
            };
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", field.key);
            if let Some(found) = find(inner) {
                return Some((path, found));
            }
            waiting.insert(0, (path, inner));
        }
    }
    None
}
