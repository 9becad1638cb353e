//! One JSON document.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::admission::denial;
use crate::engine::{Bundle, Judged};

use super::{Scanned, Total};

pub(super) fn print(found: &[Scanned], total: &Total, bundle: &Bundle, out: &mut dyn Write) -> io::Result<()> {
    let document = json!({
        "bundle": bundle.digest(),
        "rayjobs": found.iter().map(rayjob).collect::<Vec<_>>(),
        "total": {
            "rayjobs": total.rayjobs,
            "denied": total.denied,
            "warned": total.warned,
            "changed": total.changed,
        },
    });
    writeln!(out, "{document:#}")
}

fn rayjob(scanned: &Scanned) -> Value {
    json!({
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
