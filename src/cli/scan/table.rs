//! A line for each RayJob.

use std::io::{self, Write};

use crate::diag::{columns, safe};
use crate::engine::Bundle;
use crate::policy::settings::Action;

use super::{Scanned, Total};

const HEAD: [&str; 5] = ["NAMESPACE", "NAME", "VERDICT", "CHANGES", "FINDINGS"];

pub(super) fn print(found: &[Scanned], total: &Total, bundle: &Bundle, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<[String; 5]> = found.iter().map(row).collect();
    if !rows.is_empty() {
        rows.insert(0, HEAD.map(str::to_owned));
    }
    for line in columns(&rows, [0; 5], usize::MAX) {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{} RayJobs, judged as if created now by bundle {}: {} denied, {} with warnings, {} changed",
        total.rayjobs,
        bundle.short_digest(),
        total.denied,
        total.warned,
        total.changed
    )
}

fn row(scanned: &Scanned) -> [String; 5] {
    [
        safe(&scanned.namespace).into_owned(),
        safe(&scanned.name).into_owned(),
        scanned.verdict().to_owned(),
        scanned.outcome.changes.len().to_string(),
        findings(scanned),
    ]
}

/// The codes of what is denied and warned of, worst first, each once.
fn findings(scanned: &Scanned) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for judged in &scanned.outcome.findings {
        if judged.action >= Action::Warn && !codes.contains(&judged.code()) {
            codes.push(judged.code());
        }
    }
    if codes.is_empty() {
        "-".to_owned()
    } else {
        codes.join(" ")
    }
}
