//! For people: the lines of the file, underlined.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::cli::is_coloured;
use crate::diag::{Diagnostic, Sources, counted, one_line};
use crate::engine::mutate::{Change, KEPT};
use crate::engine::{Judged, Verdict};
use crate::policy::settings::Action;

use super::super::diff;
use super::super::total::Total;
use super::{Report, Seen};
use crate::input::asked::Skipped;

/// How many different notes are counted apart.
const NOTES: usize = 100;

pub(super) struct Full<'o> {
    out: &'o mut dyn Write,
    is_coloured: bool,
    diff: bool,
    /// How many objects have each note, by its code and text: many objects share the same notes.
    notes: BTreeMap<(String, String), usize>,
    /// How many notes found no place in `notes`.
    more: usize,
}

impl<'o> Full<'o> {
    pub(super) fn new(out: &'o mut dyn Write, diff: bool) -> Full<'o> {
        Full {
            out,
            is_coloured: is_coloured(),
            diff,
            notes: BTreeMap::new(),
            more: 0,
        }
    }

    fn note(&mut self, judged: &Judged) {
        let by = judged.exemption.as_ref().map(|name| format!(" (exemption {name})"));
        let text = format!("{}{}", one_line(&judged.message()), by.unwrap_or_default());
        let note = (judged.code().to_owned(), text);
        if self.notes.len() < NOTES || self.notes.contains_key(&note) {
            *self.notes.entry(note).or_default() += 1;
        } else {
            self.more += 1;
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
        if let Some(why) = seen.denied_unseen() {
            writeln!(self.out, "  {why}")?;
        }
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
        let silent = |change: &&Change| change.by != KEPT && change.done.as_deref().is_none_or(str::is_empty);
        let completed: BTreeSet<&str> = seen
            .outcome
            .changes
            .iter()
            .filter(silent)
            .map(|change| change.by)
            .collect();
        if seen.outcome.verdict == Verdict::Allow && !completed.is_empty() && !self.diff {
            writeln!(self.out, "  completed: {}", Vec::from_iter(completed).join(", "))?;
        }
        for judged in &seen.outcome.findings {
            if judged.action == Action::Audit {
                self.note(judged);
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
        for ((code, text), count) in &self.notes {
            let found = total.filter(|total| total.judged > 1);
            let found = found.map(|total| format!(" ({count} of {})", total.judged));
            writeln!(self.out, "note[{code}] {text}{}", found.unwrap_or_default())?;
        }
        if self.more > 0 {
            writeln!(
                self.out,
                "{}; --output jsonl lists them",
                counted(self.more, "more note")
            )?;
        }
        let Some(total) = total else { return Ok(()) };
        writeln!(self.out, "{total}")?;
        if total.changed > 0 && !self.diff {
            writeln!(self.out, "--diff shows each change and the policy behind it")?;
        }
        Ok(())
    }
}
