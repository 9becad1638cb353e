//! The reports that people look at, printed at the end: their counts come first.

use std::io::{self, Write};

use crate::cli::page::{self, Medium, Page, Row};
use crate::diag::{Diagnostic, Sources, one_line};
use crate::engine::Verdict;
use crate::input::asked::Skipped;

use super::super::total::Total;
use super::{Report, Seen};

/// A report in HTML or Markdown.
pub(super) struct Paged<'o> {
    out: &'o mut dyn Write,
    medium: Medium,
    page: Page,
    /// The diagnostics with their help, where there are no objects.
    diagnostics: Vec<String>,
    /// Whether one of them is an error.
    is_broken: bool,
}

impl<'o> Paged<'o> {
    pub(super) fn new(out: &'o mut dyn Write, medium: Medium) -> Paged<'o> {
        let page = Page {
            title: "Ray objects and policies",
            ..Page::default()
        };
        Paged {
            out,
            medium,
            page,
            diagnostics: Vec::new(),
            is_broken: false,
        }
    }
}

impl Report for Paged<'_> {
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.page.problems.push(diagnostic.concise(sources));
        self.diagnostics.push(diagnostic.render(sources, false));
        self.is_broken |= diagnostic.is_error();
        Ok(())
    }

    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.policies(sources, diagnostic)
    }

    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.policies(sources, diagnostic)
    }

    fn skipped(&mut self, _: &str, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        let (lines, changes) = page::of_outcome(seen.outcome);
        let line = seen
            .sources
            .location(seen.asked.root.span)
            .map_or(0, |place| place.line);
        let cluster = seen
            .cluster
            .map_or_else(String::new, |cluster| format!(" in {cluster}"));
        self.page.rows.push(Row {
            namespace: one_line(&seen.asked.namespace).into_owned(),
            kind: seen.asked.kind().name,
            name: one_line(&format!("{}{cluster}", seen.asked.name)).into_owned(),
            place: one_line(&format!("{}:{line}", seen.file())).into_owned(),
            verdict: match seen.outcome.verdict {
                Verdict::Allow if seen.outcome.document.is_changed() => "changed",
                Verdict::Allow => "allowed",
                Verdict::Deny | Verdict::Retry => "denied",
            }
            .to_owned(),
            lines,
            changes,
        });
        Ok(())
    }

    fn finish(&mut self, total: Option<&Total>) -> io::Result<()> {
        if let Some(total) = total {
            self.page.counts = vec![
                ("denied".to_owned(), total.denied),
                ("with warnings".to_owned(), total.warned),
                ("changed".to_owned(), total.changed),
                ("judged".to_owned(), total.judged),
                ("skipped".to_owned(), total.skipped.values().sum()),
                ("unreadable".to_owned(), total.unreadable),
            ];
            self.page.rows.sort_by_key(|row| row.verdict != "denied");
        }
        if total.is_none() {
            self.page = Page {
                title: if self.is_broken {
                    "The policies are broken"
                } else {
                    "The policies"
                },
                policies: Some(std::mem::take(&mut self.diagnostics)),
                ..Page::default()
            };
        }
        self.page.print(self.medium, self.out)
    }
}
