//! A line for each object.

use std::io::{self, Write};

use crate::diag::{columns, safe};
use crate::engine::Bundle;
use crate::policy::settings::Action;

use super::scanned::{Found, Scanned, Total};

const HEAD: [&str; 6] = ["NAMESPACE", "KIND", "NAME", "VERDICT", "CHANGES", "FINDINGS"];

pub(super) fn print(found: &Found, bundle: &Bundle, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<[String; 6]> = found.listed.iter().map(row).collect();
    if !rows.is_empty() {
        rows.insert(0, HEAD.map(str::to_owned));
    }
    for line in columns(&rows, [0; 6], usize::MAX) {
        writeln!(out, "{line}")?;
    }
    let never: Vec<[String; 4]> = found
        .never()
        .into_iter()
        .map(|never| {
            let namespace = safe(&never.namespace).into_owned();
            [
                namespace,
                never.objects.to_string(),
                never.code.to_owned(),
                never.title.to_owned(),
            ]
        })
        .collect();
    if !never.is_empty() {
        writeln!(out, "\nBy the facts, this cluster can never run:")?;
        let head = ["NAMESPACE", "OBJECTS", "CODE", "WHAT MUST BE TRUE"].map(str::to_owned);
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(never).collect();
        for line in columns(&rows, [0; 4], usize::MAX) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    for total in &found.totals {
        writeln!(out, "{}", summary(total))?;
    }
    writeln!(
        out,
        "Each was judged as if it were created now, by bundle {}",
        bundle.short_digest()
    )
}

fn summary(total: &Total) -> String {
    let Total {
        kind,
        objects,
        denied,
        warned,
        changed,
        children,
    } = total;
    let children = match children {
        0 => String::new(),
        count => format!("; {count} more belong to these objects"),
    };
    let plural = if *objects == 1 { "" } else { "s" };
    format!(
        "{objects} {}{plural}: {denied} denied, {warned} with warnings, {changed} changed{children}",
        kind.name
    )
}

fn row(scanned: &Scanned) -> [String; 6] {
    [
        safe(&scanned.namespace).into_owned(),
        scanned.kind.name.to_owned(),
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
