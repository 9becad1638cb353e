//! JSON: `docs/check.md` says what each key holds. Keys may be added; none is taken away or gets another meaning.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::admission::denial;
use crate::diag::{Diagnostic, Sources};
use crate::engine::{Change, Judged, Preview, Verdict};
use crate::policy::Origin;
use crate::policy::settings::Action;

use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

/// The version of the shape; another one where a key goes or changes its meaning.
const VERSION: u32 = 1;

/// One document.
pub(super) struct Json<'o> {
    out: &'o mut dyn Write,
    objects: usize,
    diagnostics: Vec<Value>,
}

impl<'o> Json<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Json<'o> {
        Json {
            out,
            objects: 0,
            diagnostics: Vec::new(),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        write!(
            self.out,
            "{{\"version\":{VERSION},\"raygate\":{},\"objects\":[",
            json!(env!("CARGO_PKG_VERSION"))
        )
    }

    fn object(&mut self, object: &Value) -> io::Result<()> {
        if self.objects == 0 {
            self.begin()?;
        }
        let separator = if self.objects == 0 { "" } else { "," };
        self.objects += 1;
        write!(self.out, "{separator}\n{object}")
    }
}

impl Report for Json<'_> {
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostics.push(diagnostic.to_json(sources));
        Ok(())
    }

    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.policies(sources, diagnostic)
    }

    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.object(&unreadable(sources, diagnostic))
    }

    fn skipped(&mut self, place: &str, skipped: &Skipped) -> io::Result<()> {
        self.object(&as_skipped(place, skipped))
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        self.object(&judged(seen))
    }

    fn finish(&mut self, total: Option<&Total>) -> io::Result<()> {
        if self.objects == 0 {
            self.begin()?;
        }
        let total = total.map(Total::to_json);
        let diagnostics = Value::from(std::mem::take(&mut self.diagnostics));
        writeln!(
            self.out,
            "\n],\"diagnostics\":{diagnostics},\"total\":{}}}",
            json!(total)
        )
    }
}

/// A line for each object.
pub(super) struct Jsonl<'o> {
    out: &'o mut dyn Write,
    /// What is not about an object, until it is known whether there are objects at all.
    diagnostics: Vec<Value>,
}

impl<'o> Jsonl<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Jsonl<'o> {
        Jsonl {
            out,
            diagnostics: Vec::new(),
        }
    }
}

impl Report for Jsonl<'_> {
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostics
            .push(json!({"diagnostic": diagnostic.to_json(sources)}));
        Ok(())
    }

    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        anstream::eprintln!("{}", json!({"diagnostic": diagnostic.to_json(sources)}));
        Ok(())
    }

    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        writeln!(self.out, "{}", unreadable(sources, diagnostic))
    }

    fn skipped(&mut self, place: &str, skipped: &Skipped) -> io::Result<()> {
        writeln!(self.out, "{}", as_skipped(place, skipped))
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        writeln!(self.out, "{}", judged(seen))
    }

    /// Lines are for objects; only where there are none they are for the policies.
    fn finish(&mut self, total: Option<&Total>) -> io::Result<()> {
        for diagnostic in &self.diagnostics {
            match total {
                Some(_) => anstream::eprintln!("{diagnostic}"),
                None => writeln!(self.out, "{diagnostic}")?,
            }
        }
        Ok(())
    }
}

fn unreadable(sources: &Sources, diagnostic: &Diagnostic) -> Value {
    json!({"error": diagnostic.concise(sources), "diagnostic": diagnostic.to_json(sources)})
}

fn as_skipped(place: &str, skipped: &Skipped) -> Value {
    json!({
        "kind": skipped.kind,
        "name": skipped.name,
        "namespace": skipped.namespace,
        "file": place,
        "skipped": skipped.reason,
    })
}

/// An object that was judged.
pub fn judged(seen: &Seen<'_>) -> Value {
    let (asked, outcome) = (seen.asked, seen.outcome);
    let place = seen.sources.location(asked.root.span);
    json!({
        "kind": asked.kind().name,
        "name": asked.name,
        "namespace": asked.namespace,
        "cluster": seen.cluster,
        "file": seen.file(),
        "line": place.map(|place| place.line),
        "operation": asked.operation.name(),
        "verdict": seen.verdict(),
        "allowed": outcome.verdict == Verdict::Allow,
        "hidden": seen.hidden,
        "policies": outcome.policies.iter().map(|name| &**name).collect::<Vec<_>>(),
        "findings": outcome.findings.iter().map(|judged| finding(seen, judged)).collect::<Vec<_>>(),
        "changes": outcome.changes.iter().map(change).collect::<Vec<_>>(),
        "warnings": warnings(seen),
        "previews": outcome.previews.iter().map(preview).collect::<Vec<_>>(),
        "patch": serde_json::to_value(outcome.document.patch()).unwrap_or_default(),
        "object": outcome.document.value(),
    })
}

fn finding(seen: &Seen<'_>, judged: &Judged) -> Value {
    let mut finding = json!({
        "code": judged.code(),
        "action": judged.action.name(),
        "path": judged.finding.path.to_string(),
        "message": judged.finding.message,
        "fix": judged.finding.fix,
        "flyte": judged.finding.flyte,
        "origin": judged.origin.as_deref().map(origin),
        "exemption": judged.exemption.as_deref(),
    });
    let located = seen.diagnostic(judged).to_json(seen.sources);
    if let Some(finding) = finding.as_object_mut() {
        if judged.more > 0 {
            finding.insert("more".to_owned(), judged.more.into());
        }
        for key in ["file", "line", "column", "end_line", "end_column"] {
            finding.insert(key.to_owned(), located.get(key).cloned().unwrap_or_default());
        }
    }
    finding
}

/// A policy in Preview that matched, with what it would have done.
fn preview(preview: &Preview) -> Value {
    let would = preview.would.iter().map(|one| {
        json!({
            "code": &*one.code,
            "effect": one.effect.name(),
            "path": one.path.to_string(),
            "message": one.message,
        })
    });
    json!({"policy": &*preview.policy, "would": would.collect::<Vec<_>>()})
}

fn change(change: &Change) -> Value {
    let mut object = Map::new();
    object.insert("by".into(), change.by.into());
    object.insert("path".into(), change.path.to_string().into());
    object.insert(
        "done".into(),
        json!(change.done.as_deref().filter(|done| !done.is_empty())),
    );
    object.insert("forced".into(), change.forced.into());
    object.insert("leaf".into(), json!(change.leaf.as_ref().map(ToString::to_string)));
    object.insert("origin".into(), json!(change.origin.as_deref().map(origin)));
    Value::Object(object)
}

fn origin(origin: &Origin) -> Value {
    json!({
        "policy": &*origin.policy,
        "file": &*origin.file,
        "line": origin.line,
        "column": origin.column,
    })
}

/// What the API server's client would print.
fn warnings(seen: &Seen<'_>) -> Vec<String> {
    let repairs = seen.outcome.changes.iter().filter_map(|change| {
        let done = change.done.as_deref().filter(|done| !done.is_empty())?;
        Some(format!("{done} ({})", change.by))
    });
    let warned = seen
        .outcome
        .findings
        .iter()
        .filter(|judged| judged.action == Action::Warn);
    repairs.chain(warned.map(denial::one)).collect()
}
