//! A line for each RayJob.

use std::io::{self, Write};

use crate::engine::Bundle;
use crate::k8s::text::safe;
use crate::policy::settings::Action;

use super::{Scanned, Total};

const HEAD: [&str; 5] = ["NAMESPACE", "NAME", "VERDICT", "CHANGES", "FINDINGS"];

pub(super) fn print(found: &[Scanned], total: &Total, bundle: &Bundle, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 5]> = found.iter().map(row).collect();
    let mut widths = HEAD.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if !rows.is_empty() {
        line(&HEAD.map(str::to_owned), &widths, out)?;
    }
    for row in &rows {
        line(row, &widths, out)?;
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

fn line(cells: &[String; 5], widths: &[usize; 5], out: &mut dyn Write) -> io::Result<()> {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())
}
