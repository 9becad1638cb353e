//! What the checks saw, and how it is printed.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::cluster::describe;
use crate::diag::{columns, one_line};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// Not known, or nothing to judge.
    Note,
    /// It works, but not as it should.
    Warning,
    /// It does not work, or harms the cluster.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What one check saw.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) seen: String,
    /// What repairs it: shell commands, a line each.
    pub(super) repair: Option<String>,
}

/// All that was seen, in order.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, check: &'static str, seen: impl Into<String>) {
        self.add(check, Level::Ok, seen, None);
    }

    pub(super) fn note(&mut self, check: &'static str, seen: impl Into<String>) {
        self.add(check, Level::Note, seen, None);
    }

    pub(super) fn warning(&mut self, check: &'static str, seen: impl Into<String>, repair: impl Into<String>) {
        self.add(check, Level::Warning, seen, Some(repair.into()));
    }

    pub(super) fn error(&mut self, check: &'static str, seen: impl Into<String>, repair: impl Into<String>) {
        self.add(check, Level::Error, seen, Some(repair.into()));
    }

    fn add(&mut self, check: &'static str, level: Level, seen: impl Into<String>, repair: Option<String>) {
        let seen = seen.into();
        self.0.push(Finding {
            check,
            level,
            seen,
            repair,
        });
    }

    /// What may not be read is not known to be wrong.
    pub(super) fn unreadable(&mut self, check: &'static str, what: &str, error: &kube::Error) {
        self.note(check, format!("cannot read {what}: {}", describe(error)));
    }

    /// How many there are of a level.
    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// A line for each check, and below it the command that repairs what was found.
    pub(super) fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
        const LEVEL: usize = 7;
        const CHECK: usize = 11;
        let row = |finding: &Finding| {
            let seen = one_line(&finding.seen).into_owned();
            [finding.level.name().to_owned(), finding.check.to_owned(), seen]
        };
        let rows: Vec<[String; 3]> = self.0.iter().map(row).collect();
        for (finding, row) in self.0.iter().zip(columns(&rows, [LEVEL, CHECK, 0], usize::MAX)) {
            writeln!(out, "{row}")?;
            for line in finding.repair.iter().flat_map(|repair| repair.lines()) {
                writeln!(out, "{:<21} > {}", "", one_line(line))?;
            }
        }
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        writeln!(out, "\n{} checks, {errors} errors, {warnings} warnings", self.0.len())?;
        if errors > 0 {
            writeln!(out, "To get raygate out of the way at once: raygate doctor --emergency")?;
        }
        Ok(())
    }

    /// One JSON document.
    pub(super) fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let row = |finding: &Finding| json!({"check": finding.check, "level": finding.level.name(), "seen": finding.seen, "repair": finding.repair});
        let rows: Vec<Value> = self.0.iter().map(row).collect();
        let document = json!({
            "findings": rows,
            "total": {"errors": self.count(Level::Error), "warnings": self.count(Level::Warning)},
        });
        writeln!(out, "{document:#}")
    }
}
