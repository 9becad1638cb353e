//! JUnit's XML: a case for each object. Denials are failures, what cannot be read is an error.

use std::io::{self, Write};

use crate::cli::junit::{self, Case, Outcome};
use crate::diag::{Diagnostic, Sources};
use crate::engine::Verdict;
use crate::policy::settings::Action;

use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

pub(super) struct Junit<'o> {
    out: &'o mut dyn Write,
    cases: Vec<Case>,
}

impl<'o> Junit<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Junit<'o> {
        Junit { out, cases: Vec::new() }
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) {
        let text = diagnostic.render(sources, false);
        let concise = diagnostic.concise(sources);
        let file = diagnostic.primary.as_ref().map(|(span, _)| sources.name(span.source));
        self.cases.push(Case {
            class: file.unwrap_or_default().to_owned(),
            name: concise.clone(),
            outcome: if diagnostic.is_error() {
                Outcome::Broken(concise, text)
            } else {
                Outcome::Noted(text)
            },
        });
    }
}

impl Report for Junit<'_> {
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

    fn skipped(&mut self, place: &str, skipped: &Skipped) -> io::Result<()> {
        self.cases.push(Case {
            class: place.to_owned(),
            name: format!("{}/{}", skipped.namespace, skipped.name),
            outcome: Outcome::Skipped(skipped.reason.clone()),
        });
        Ok(())
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        let findings = &seen.outcome.findings;
        let text: Vec<String> = findings
            .iter()
            .map(|judged| seen.diagnostic(judged).render(seen.sources, false))
            .collect();
        let text = text.join("\n");
        let denied = findings.iter().find(|judged| judged.action == Action::Deny);
        self.cases.push(Case {
            class: seen.file().to_owned(),
            name: seen.full_name(),
            outcome: match (seen.outcome.verdict, denied) {
                (Verdict::Allow, _) if findings.is_empty() => Outcome::Passed,
                (Verdict::Allow, _) => Outcome::Noted(text),
                (_, Some(worst)) => Outcome::Failed(format!("{}: {}", worst.code(), worst.finding.message), text),
                (_, None) => {
                    let why = seen.denied_unseen();
                    Outcome::Failed(why.unwrap_or_else(|| seen.verdict().to_owned()), text)
                }
            },
        });
        Ok(())
    }

    fn finish(&mut self, _: Option<&Total>) -> io::Result<()> {
        junit::print("raygate check", &self.cases, self.out)
    }
}
