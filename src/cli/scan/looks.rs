//! The reports that people look at.

use std::io::{self, Write};

use crate::cli::page::{self, Medium, Page, Row};
use crate::diag::one_line;
use crate::engine::{Bundle, Verdict};

use super::scanned::{Found, Scanned, Total};

pub(super) fn print(found: Found, bundle: &Bundle, medium: Medium, out: &mut dyn Write) -> io::Result<()> {
    let sum = |count: fn(&Total) -> usize| found.totals.iter().map(count).sum::<usize>();
    let counts = [
        ("would be denied", sum(|total| total.denied)),
        ("with warnings", sum(|total| total.warned)),
        ("would be changed", sum(|total| total.changed)),
        ("objects", sum(|total| total.objects)),
        ("made by KubeRay from them", sum(|total| total.children)),
    ];
    let mut rows: Vec<Row> = found.listed.iter().map(row).collect();
    rows.sort_by_key(|row| row.verdict != "denied");
    let page = Page {
        title: "Ray objects of a cluster and policies",
        about: vec![("bundle", bundle.short_digest().to_owned())],
        counts: counts.map(|(name, count)| (name.to_owned(), count)).into(),
        rows,
        ..Page::default()
    };
    page.print(medium, out)
}

fn row(scanned: &Scanned) -> Row {
    let (lines, changes) = page::of_outcome(&scanned.outcome);
    Row {
        namespace: one_line(&scanned.namespace).into_owned(),
        kind: scanned.kind.name,
        name: one_line(&scanned.name).into_owned(),
        verdict: match scanned.outcome.verdict {
            Verdict::Allow if scanned.outcome.document.is_changed() => "changed",
            Verdict::Allow => "allowed",
            Verdict::Deny | Verdict::Retry => "denied",
        }
        .to_owned(),
        lines,
        changes,
        ..Row::default()
    }
}
