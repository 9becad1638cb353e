//! One line a finding.

use std::io::{self, Write};

use crate::diag::{Diagnostic, Sources};
use crate::k8s::path::Path;

use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

/// A format that has a line for each diagnostic, and nothing else.
pub(super) struct Lines<'o> {
    out: &'o mut dyn Write,
    line: fn(&Sources, &Diagnostic) -> String,
}

impl<'o> Lines<'o> {
    pub(super) fn new(out: &'o mut dyn Write, line: fn(&Sources, &Diagnostic) -> String) -> Lines<'o> {
        Lines { out, line }
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        writeln!(self.out, "{}", (self.line)(sources, diagnostic))
    }
}

/// `file:line:column: error[CODE]: message`
pub(super) fn concise(sources: &Sources, diagnostic: &Diagnostic) -> String {
    diagnostic.concise(sources)
}

impl Report for Lines<'_> {
    fn policies(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic)
    }

    fn remark(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic)
    }

    fn unreadable(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        self.diagnostic(sources, diagnostic)
    }

    fn skipped(&mut self, _: &str, _: &Skipped) -> io::Result<()> {
        Ok(())
    }

    fn judged(&mut self, seen: &Seen<'_>) -> io::Result<()> {
        if let (Some(why), Some(code)) = (seen.denied_unseen(), seen.hidden.first()) {
            let diagnostic = Diagnostic::error(code.clone(), why).at(seen.locate(&Path::ROOT), "");
            self.diagnostic(seen.sources, &diagnostic)?;
        }
        for judged in &seen.outcome.findings {
            self.diagnostic(seen.sources, &seen.diagnostic(judged))?;
        }
        Ok(())
    }

    fn finish(&mut self, _: Option<&Total>) -> io::Result<()> {
        Ok(())
    }
}
