//! SARIF 2.1.0, the format of code scanning (OASIS, `sarif-v2.1.0-errata01`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::explain;
use crate::diag::{Diagnostic, Severity, Sources, Span};
use crate::engine::{Finder, Judged};
use crate::rules::check;

use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) struct Sarif<'o> {
    out: &'o mut dyn Write,
    rules: BTreeMap<String, Value>,
    results: Vec<Value>,
}

impl<'o> Sarif<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Sarif<'o> {
        Sarif {
            out,
            rules: BTreeMap::new(),
            results: Vec::new(),
        }
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) {
        self.rules
            .entry(diagnostic.code.to_string())
            .or_insert_with(|| diagnostic_rule(&diagnostic.code, diagnostic.severity));
        let mut result = result(sources, diagnostic);
        if let Some((span, _)) = &diagnostic.primary {
            let place = sources.get(span.source).map_or("", |source| source.slice(*span));
            add(
                &mut result,
                "partialFingerprints",
                fingerprint(&[&diagnostic.code, sources.name(span.source), place]),
            );
        }
        self.results.push(result);
    }

    fn finding(&mut self, seen: &Seen<'_>, judged: &Judged) {
        let diagnostic = seen.diagnostic(judged);
        self.rules
            .entry(judged.code().to_owned())
            .or_insert_with(|| finding_rule(judged, diagnostic.severity));
        let mut result = result(seen.sources, &diagnostic);
        let path = judged.finding.path.to_string();
        let logical = json!([{"name": seen.full_name(), "fullyQualifiedName": format!("{}#{path}", seen.full_name()), "kind": "object"}]);
        if let Some(location) = result.pointer_mut("/locations/0") {
            add(location, "logicalLocations", logical);
        }
        if let Some(span) = judged.origin.as_deref().and_then(|origin| seen.policy_span(origin)) {
            let related = result.get_mut("relatedLocations").and_then(Value::as_array_mut);
            let policy = location(seen.sources, span, "decided by the policy here");
            match related {
                Some(related) => related.extend(policy),
                None => add(&mut result, "relatedLocations", policy.into_iter().collect()),
            }
        }
        add(
            &mut result,
            "partialFingerprints",
            fingerprint(&[judged.code(), &seen.full_name(), &path]),
        );
        self.results.push(result);
    }
}

impl Report for Sarif<'_> {
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic);
        Ok(())
    }

    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic);
        Ok(())
    }

    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic);
        Ok(())
    }

    fn skipped(&mut self, _: &str, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        for judged in &seen.outcome.findings {
            self.finding(seen, judged);
        }
        Ok(())
    }

    fn finish(&mut self, _: Option<&Total>) -> io::Result<()> {
        let positions: BTreeMap<String, usize> = self.rules.keys().cloned().zip(0..).collect();
        let mut results = std::mem::take(&mut self.results);
        for result in &mut results {
            let position = result
                .get("ruleId")
                .and_then(Value::as_str)
                .and_then(|id| positions.get(id));
            let position = json!(position);
            add(result, "ruleIndex", position);
        }
        let rules: Vec<Value> = std::mem::take(&mut self.rules).into_values().collect();
        let log = json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "raygate",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        });
        serde_json::to_writer_pretty(&mut *self.out, &log)?;
        writeln!(self.out)
    }
}

fn result(sources: &Sources, diagnostic: &Diagnostic) -> Value {
    let mut text = diagnostic.message.clone();
    for help in &diagnostic.help {
        text.push('\n');
        text.push_str(help);
    }
    let primary = diagnostic.primary.iter();
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.name(),
        "message": {"text": text},
        "locations": primary.filter_map(|(span, label)| location(sources, *span, label)).collect::<Vec<_>>(),
    });
    let related = diagnostic.secondary.iter();
    let related: Vec<Value> = related
        .filter_map(|(span, label)| location(sources, *span, label))
        .collect();
    if !related.is_empty() {
        add(&mut result, "relatedLocations", related.into());
    }
    result
}

fn location(sources: &Sources, span: Span, label: &str) -> Option<Value> {
    let (start, end) = (sources.location(span)?, sources.end_location(span)?);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(sources.name(span.source))},
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    });
    if !label.is_empty() {
        add(&mut location, "message", json!({"text": label}));
    }
    Some(location)
}

/// A path as a URI: relative ones stay relative.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    if uri.starts_with('/') {
        format!("file://{uri}")
    } else {
        uri
    }
}

/// What tells a result from others across runs, whatever its line.
fn fingerprint(parts: &[&str]) -> Value {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({"raygate/v1": digits})
}

fn finding_rule(judged: &Judged, severity: Severity) -> Value {
    match &judged.finder {
        Finder::Check(check) => rule(check.code, check.title, &check.markdown(), severity),
        Finder::Server(page) => rule(page.code, page.title, page.text, severity),
        Finder::Rule(own) => {
            let title = format!("a rule of policy {}", own.origin.policy);
            rule(&own.code, &title, &format!("{title}, at {}", own.origin), severity)
        }
    }
}

fn diagnostic_rule(code: &str, severity: Severity) -> Value {
    match explain::diagnostics().find(|page| page.code == code) {
        Some(page) => rule(code, page.title, page.text, severity),
        None => rule(code, code, code, severity),
    }
}

fn rule(id: &str, title: &str, page: &str, severity: Severity) -> Value {
    let explain = if check::find(id).is_some() || explain::code_pages().any(|page| page.code == id) {
        format!("\n\n`raygate explain {id}` prints this page.")
    } else {
        String::new()
    };
    json!({
        "id": id,
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": severity.name()},
        "help": {"text": format!("{page}{explain}"), "markdown": format!("{page}{explain}")},
    })
}

fn add(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}
