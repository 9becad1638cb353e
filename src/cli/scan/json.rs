//! One JSON document.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::admission::denial;
use crate::engine::{Bundle, Judged};

use super::scanned::{Found, Never, Scanned, Total};

pub(super) fn print(found: &Found, bundle: &Bundle, out: &mut dyn Write) -> io::Result<()> {
    let document = json!({
        "bundle": bundle.digest(),
        "objects": found.listed.iter().map(object).collect::<Vec<_>>(),
        "neverRun": found.never().iter().map(never).collect::<Vec<_>>(),
        "totals": found.totals.iter().map(total).collect::<Vec<_>>(),
    });
    writeln!(out, "{document:#}")
}

fn never(never: &Never) -> Value {
    json!({
        "namespace": never.namespace,
        "code": never.code,
        "title": never.title,
        "objects": never.objects,
    })
}

fn total(total: &Total) -> Value {
    json!({
        "kind": total.kind.name,
        "objects": total.objects,
        "denied": total.denied,
        "warned": total.warned,
        "changed": total.changed,
        "children": total.children,
    })
}

fn object(scanned: &Scanned) -> Value {
    json!({
        "kind": scanned.kind.name,
        "namespace": scanned.namespace,
        "name": scanned.name,
        "uid": scanned.uid,
        "verdict": scanned.verdict(),
        "patch": scanned.outcome.document.patch(),
        "findings": scanned.outcome.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(judged: &Judged) -> Value {
    json!({
        "code": judged.code(),
        "action": judged.action.name(),
        "path": judged.finding.path.to_string(),
        "message": denial::one(judged),
        "origin": judged.origin.as_ref().map(ToString::to_string),
    })
}
