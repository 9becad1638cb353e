//! Rewriting the `want` of cases in their file, with what came out. Everything else in the file stays, comments included.
//!
//! A `want` that names something keeps naming that: values and paths are updated, and what is not there any more is
//! removed. An empty list or mapping is filled, and one of which nothing is left. Where nothing is named, the verdict and
//! the findings that an author sees are written.

use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::diag::{Source, Sources};
use crate::engine::Judged;
use crate::policy::settings::Action;
use crate::yaml::{self, Limits, Node, Reading, Style};

use super::case::{Case, TestFile, Want, WantedFinding, WantedPreview, is_exact};
use super::changes::{changes, set_of};
use super::compare::{Pairs, verdict_name};
use super::run::{Previewed, Ran};

/// The file's text with `want`s that say what came out of these cases of it.
///
/// # Errors
/// Why the text could not be written so that it reads back as meant; edit the file by hand then.
pub fn blessed(file: &TestFile, results: &[(&Case, Ran)], sources: &Sources) -> Result<String, String> {
    let source = sources.get(file.source).ok_or("its text is gone")?;
    let mut expected = file.node.as_ref().ok_or("it has no case")?.to_json();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (case, ran) in results {
        let want = wanted(case, ran);
        edits.push(edit(&case.node, source, &want).ok_or("its `want` was not found")?);
        let map = match case.row {
            Some(row) => expected.pointer_mut(&format!("/cases/{row}")),
            None => Some(&mut expected),
        };
        if let Some(map) = map.and_then(Value::as_object_mut) {
            map.insert("want".to_owned(), want);
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.text.to_string();
    for (range, new) in edits {
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        text = [before.unwrap_or_default(), &new, after.unwrap_or_default()].concat();
    }
    let mut reread = Sources::new();
    let id = reread.add(&source.name, &text);
    let (nodes, _) = yaml::parse(id, &text, Reading::Cautious, &Limits::policies());
    match nodes.as_slice() {
        [node] if node.to_json() == expected => Ok(text),
        _ => Err("the new `want` does not fit into it; write `want` as a block of its own".to_owned()),
    }
}

/// What came out, as far as the case names it.
fn wanted(case: &Case, ran: &Ran) -> Value {
    let mut out = Map::new();
    match &case.want {
        None if case.node.get("want").is_some_and(is_exact) => everything(ran, &mut out),
        Some(Want { exact: true, .. }) => everything(ran, &mut out),
        None => {
            out.insert("verdict".into(), verdict_name(ran.verdict).into());
            let seen = ran.findings.iter().filter(|judged| judged.action != Action::Audit);
            insert(&mut out, "findings", seen.map(whole_finding).collect());
        }
        Some(want) => {
            update(want, ran, &mut out);
            if out.is_empty() {
                replace(want, ran, &mut out);
            }
        }
    }
    if out.is_empty() {
        out.insert("verdict".into(), verdict_name(ran.verdict).into());
    }
    out.into()
}

fn everything(ran: &Ran, out: &mut Map<String, Value>) {
    out.insert("exact".into(), true.into());
    out.insert("verdict".into(), verdict_name(ran.verdict).into());
    insert(out, "findings", ran.findings.iter().map(whole_finding).collect());
    let changes = all_changes(ran);
    if !changes.is_empty() {
        out.insert("changes".into(), changes.into());
    }
    insert(out, "previews", ran.previews.iter().map(whole_preview).collect());
}

fn insert(out: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        out.insert(key.to_owned(), items.into());
    }
}

/// What a `want` names, as it came out.
fn update(want: &Want, ran: &Ran, out: &mut Map<String, Value>) {
    if want.verdict.is_some() {
        out.insert("verdict".into(), verdict_name(ran.verdict).into());
    }
    if let Some(wishes) = &want.findings {
        let pairs = Pairs::of(wishes, &ran.findings);
        let filled = match wishes.is_empty() {
            true => pairs.others.iter().map(|judged| whole_finding(judged)).collect(),
            false => pairs.kept(|wish| wish.span.start, old_finding, new_finding),
        };
        if !filled.is_empty() || ran.findings.is_empty() {
            out.insert("findings".into(), filled.into());
        }
    }
    if let Some(wishes) = &want.changes {
        let got = changes(&ran.before, &ran.after);
        let filled: Map<String, Value> = match wishes.is_empty() {
            true => all_changes(ran),
            false => wishes
                .iter()
                .filter_map(|(path, (wish, _))| Some((path.clone(), set_of(&got, path, wish)?)))
                .collect(),
        };
        if !filled.is_empty() || got.is_empty() {
            out.insert("changes".into(), filled.into());
        }
    }
    if let Some(wishes) = &want.previews {
        let pairs = Pairs::of(wishes, &ran.previews);
        let filled = match wishes.is_empty() {
            true => pairs.others.iter().map(|one| whole_preview(one)).collect(),
            false => pairs.kept(|wish| wish.span.start, old_preview, new_preview),
        };
        if !filled.is_empty() || ran.previews.is_empty() {
            out.insert("previews".into(), filled.into());
        }
    }
}

/// What there is of what a `want` names, where nothing of it came out again.
fn replace(want: &Want, ran: &Ran, out: &mut Map<String, Value>) {
    if want.findings.is_some() {
        insert(out, "findings", ran.findings.iter().map(whole_finding).collect());
    }
    if want.changes.is_some() {
        out.insert("changes".into(), all_changes(ran).into());
    }
    if want.previews.is_some() {
        insert(out, "previews", ran.previews.iter().map(whole_preview).collect());
    }
}

impl<W, T> Pairs<'_, W, T> {
    /// The wishes in the order of the file: those that are met as they are, the others by what came nearest to them.
    fn kept(
        &self,
        place: impl Fn(&W) -> usize,
        old: impl Fn(&W) -> Value,
        new: impl Fn(&W, &T) -> Value,
    ) -> Vec<Value> {
        let met = self.met.iter().map(|wish| (place(wish), old(wish)));
        let near = self
            .unmet
            .iter()
            .filter_map(|(wish, got)| Some((place(wish), new(wish, (*got)?))));
        let mut all: Vec<(usize, Value)> = met.chain(near).collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, value)| value).collect()
    }
}

fn whole_finding(judged: &Judged) -> Value {
    json!({
        "code": judged.code(),
        "action": judged.action.name(),
        "path": judged.finding.path.to_string(),
    })
}

fn old_finding(wish: &WantedFinding) -> Value {
    object([
        ("code", Some(wish.code.as_str())),
        ("action", wish.action.as_deref()),
        ("path", wish.path.as_deref()),
    ])
}

fn new_finding(wish: &WantedFinding, judged: &Judged) -> Value {
    let path = judged.finding.path.to_string();
    object([
        ("code", Some(judged.code())),
        ("action", wish.action.as_ref().map(|_| judged.action.name())),
        ("path", wish.path.as_ref().map(|_| path.as_str())),
    ])
}

fn whole_preview(one: &Previewed) -> Value {
    json!({"policy": one.policy, "code": one.code, "effect": one.effect, "path": one.path})
}

fn old_preview(wish: &WantedPreview) -> Value {
    object([
        ("policy", Some(wish.policy.as_str())),
        ("code", Some(wish.code.as_str())),
        ("effect", wish.effect.as_deref()),
        ("path", wish.path.as_deref()),
    ])
}

fn new_preview(wish: &WantedPreview, one: &Previewed) -> Value {
    object([
        ("policy", Some(one.policy.as_str())),
        ("code", Some(one.code.as_str())),
        ("effect", wish.effect.as_ref().map(|_| one.effect)),
        ("path", wish.path.as_ref().map(|_| one.path.as_str())),
    ])
}

fn object<const N: usize>(entries: [(&str, Option<&str>); N]) -> Value {
    entries
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn all_changes(ran: &Ran) -> Map<String, Value> {
    let changes = changes(&ran.before, &ran.after);
    changes
        .into_iter()
        .map(|(path, changed)| (path, changed.value))
        .collect()
}

/// Where the text of a case changes, and the new text there.
fn edit(node: &Node, source: &Source, want: &Value) -> Option<(Range<usize>, String)> {
    let text: &str = &source.text;
    let is_flow = node.style == Style::Flow;
    match node.entry("want") {
        Some(entry) => {
            let indent = source.location(entry.key.span.start).column.saturating_sub(1);
            let new = if is_flow { flow(want) } else { block(want, indent) };
            Some((entry.key.span.start..entry.value.span.end, new.trim_end().to_owned()))
        }
        None if is_flow => {
            let before = text.get(..node.span.end.checked_sub(1)?)?.trim_end();
            let comma = if before.ends_with(',') { " " } else { ", " };
            Some((before.len()..node.span.end - 1, format!("{comma}{}", flow(want))))
        }
        None => {
            let indent = source.location(node.span.start).column.saturating_sub(1);
            let line_end = text.get(node.span.end..)?.find('\n');
            let at = line_end.map_or(text.len(), |end| node.span.end + end + 1);
            let gap = if line_end.is_some() { "" } else { "\n" };
            Some((at..at, format!("{gap}{}{}", " ".repeat(indent), block(want, indent))))
        }
    }
}

fn flow(want: &Value) -> String {
    format!("\"want\": {want}")
}

/// The key and the value in block style; the first line is indented already. Findings take a line each.
fn block(want: &Value, indent: usize) -> String {
    let mut out = String::from("want:\n");
    let margin = " ".repeat(indent + 2);
    // As people read it, rather than by the alphabet.
    for key in ["exact", "verdict", "findings", "changes", "previews"] {
        let Some(value) = want.get(key) else { continue };
        let text = match value.as_array() {
            Some(items) if !items.is_empty() => {
                let lines = items.iter().map(|item| format!("- {}\n", one_line(item)));
                format!("{key}:\n{}", lines.collect::<String>())
            }
            _ => yaml::emit(&json!({key: value})),
        };
        for line in text.lines() {
            if !line.is_empty() {
                out.push_str(&margin);
                out.push_str(line);
            }
            out.push('\n');
        }
    }
    out
}

/// A finding or a preview as a flow mapping.
fn one_line(item: &Value) -> String {
    let word = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        match text.chars().all(is_plain) {
            true => text.to_owned(),
            false => Value::from(text).to_string(),
        }
    };
    let entry = |key: &str| Some(format!("{key}: {}", word(item.get(key)?.as_str()?)));
    let entries: Vec<String> = ["policy", "code", "action", "effect", "path"]
        .into_iter()
        .filter_map(entry)
        .collect();
    format!("{{{}}}", entries.join(", "))
}
