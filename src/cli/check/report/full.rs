//! For people: the lines of the file, underlined.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::cli::{counted, is_coloured};
use crate::diag::{Diagnostic, Sources, one_line};
use crate::engine::Verdict;
use crate::policy::settings::Action;

use super::super::diff;
use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

pub(super) struct Full<'o> {
    out: &'o mut dyn Write,
    is_coloured: bool,
    diff: bool,
}

impl<'o> Full<'o> {
    pub(super) fn new(out: &'o mut dyn Write, diff: bool) -> Full<'o> {
        Full {
            out,
            is_coloured: is_coloured(),
            diff,
        }
    }

    fn diagnostic(&mut self, sources: &Sources, diagnostic: &Diagnostic) -> io::Result<()> {
        writeln!(self.out, "{}", diagnostic.render(sources, self.is_coloured))
    }
}

impl Report for Full<'_> {
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
        let colour = match seen.outcome.verdict {
            _ if !self.is_coloured => Style::new(),
            Verdict::Allow => AnsiColor::Green.on_default().bold(),
            Verdict::Deny | Verdict::Retry => AnsiColor::Red.on_default().bold(),
        };
        writeln!(
            self.out,
            "{colour}{:<7}{colour:#}  {}  {} {}   {}, {}, {}",
            seen.verdict(),
            one_line(seen.file()),
            seen.asked.kind().name,
            one_line(&seen.name()),
            counted(seen.outcome.changes.len(), "change"),
            counted(seen.count(Action::Deny), "error"),
            counted(seen.count(Action::Warn), "warning"),
        )?;
        if seen.outcome.verdict == Verdict::Retry {
            let why = "/validate still misses what policies force, though /mutate has run";
            writeln!(
                self.out,
                "  retry: {why}; does a `when` look at what repairs change? raygate explain RL106"
            )?;
        }
        for change in &seen.outcome.changes {
            if let Some(done) = change.done.as_deref().filter(|done| !done.is_empty()) {
                writeln!(self.out, "  fixed[{}] {}", change.by, one_line(done))?;
            }
        }
        for judged in &seen.outcome.findings {
            if judged.action == Action::Audit {
                let message = judged.message();
                let message = one_line(&message);
                let by = judged.exemption.as_ref().map(|name| format!(" (exemption {name})"));
                writeln!(
                    self.out,
                    "  note[{}] {message}{}",
                    judged.code(),
                    by.unwrap_or_default()
                )?;
            } else {
                self.diagnostic(seen.sources, &seen.diagnostic(judged))?;
            }
        }
        for preview in &seen.outcome.previews {
            for one in &preview.would {
                let path = one.path.to_string();
                let what = if one.message.is_empty() { &path } else { &one.message };
                let (policy, effect) = (&preview.policy, one.effect.name());
                writeln!(
                    self.out,
                    "  preview[{policy}] {effect} {}: {}",
                    one.code,
                    one_line(what)
                )?;
            }
        }
        if self.diff {
            diff::print(seen, self.out)?;
        }
        Ok(())
    }

    fn finish(&mut self, total: Option<&Total>) -> io::Result<()> {
        match total {
            Some(total) => writeln!(self.out, "{total}"),
            None => Ok(()),
        }
    }
}
