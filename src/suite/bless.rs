//! Rewriting a case's `want` in its file, with what came out. Everything else in the file stays, comments included.

use serde_json::{Map, Value, json};

use crate::diag::{Source, Sources};
use crate::yaml::{self, Limits, Node, Reading, Style};

use super::case::Case;
use super::changes::changes;
use super::compare::verdict_name;
use super::run::Ran;

/// The file's text with a `want` that says what came out.
///
/// # Errors
/// Why the text could not be written so that it reads back as meant; the file is best edited by hand then.
pub fn blessed(case: &Case, ran: &Ran, sources: &Sources) -> Result<String, String> {
    let source = sources.get(case.source).ok_or("its text is gone")?;
    let want = wanted(ran);
    let text = rewritten(&case.node, source, &want).ok_or("its `want` was not found")?;
    let mut expected = case.node.to_json();
    if let Some(map) = expected.as_object_mut() {
        map.insert("want".to_owned(), want);
    }
    let mut reread = Sources::new();
    let id = reread.add(&source.name, &text);
    let (nodes, _) = yaml::parse(id, &text, Reading::Cautious, &Limits::policies());
    match nodes.as_slice() {
        [node] if node.to_json() == expected => Ok(text),
        _ => Err("the new `want` does not fit into it; write `want` as a block of its own".to_owned()),
    }
}

/// What came out, as a `want`. What is empty is left out.
fn wanted(ran: &Ran) -> Value {
    let findings: Vec<Value> = ran
        .findings
        .iter()
        .map(|judged| {
            json!({
                "code": judged.code(),
                "action": judged.action.name(),
                "path": judged.finding.path.to_string(),
            })
        })
        .collect();
    let changes: Map<String, Value> = changes(&ran.before, &ran.after)
        .into_iter()
        .map(|(path, changed)| (path, changed.value))
        .collect();
    let previews: Vec<Value> = ran
        .previews
        .iter()
        .map(|one| json!({"policy": one.policy, "code": one.code, "effect": one.effect, "path": one.path}))
        .collect();
    let mut want = Map::new();
    want.insert("verdict".into(), verdict_name(ran.verdict).into());
    if !findings.is_empty() {
        want.insert("findings".into(), findings.into());
    }
    if !changes.is_empty() {
        want.insert("changes".into(), changes.into());
    }
    if !previews.is_empty() {
        want.insert("previews".into(), previews.into());
    }
    want.into()
}

fn rewritten(node: &Node, source: &Source, want: &Value) -> Option<String> {
    let text: &str = &source.text;
    let is_flow = node.style == Style::Flow;
    match node.entry("want") {
        Some(entry) => {
            let indent = source.location(entry.key.span.start).column.saturating_sub(1);
            let new = if is_flow { flow(want) } else { block(want, indent) };
            let (start, end) = (entry.key.span.start, entry.value.span.end);
            let new = new.trim_end();
            Some(format!("{}{new}{}", text.get(..start)?, text.get(end..)?))
        }
        None if is_flow => {
            let at = node.span.end.checked_sub(1)?;
            let (before, after) = (text.get(..at)?, text.get(at..)?);
            let comma = if before.trim_end().ends_with(',') { " " } else { ", " };
            Some(format!("{}{comma}{}{after}", before.trim_end(), flow(want)))
        }
        None => {
            let indent = source.location(node.span.start).column.saturating_sub(1);
            let line_end = text.get(node.span.end..)?.find('\n');
            let at = line_end.map_or(text.len(), |end| node.span.end + end + 1);
            let gap = if line_end.is_some() { "" } else { "\n" };
            let margin = " ".repeat(indent);
            Some(format!(
                "{}{gap}{margin}{}{}",
                text.get(..at)?,
                block(want, indent),
                text.get(at..)?
            ))
        }
    }
}

fn flow(want: &Value) -> String {
    format!("\"want\": {want}")
}

/// The key and the value in block style; the first line is indented already.
fn block(want: &Value, indent: usize) -> String {
    let mut out = String::from("want:\n");
    let margin = " ".repeat(indent + 2);
    // As people read it, rather than by the alphabet.
    for key in ["verdict", "findings", "changes", "previews"] {
        let Some(value) = want.get(key) else { continue };
        for line in yaml::emit(&json!({key: value})).lines() {
            if !line.is_empty() {
                out.push_str(&margin);
                out.push_str(line);
            }
            out.push('\n');
        }
    }
    out
}
