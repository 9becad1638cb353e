//! The totals of a run, and what its exit code says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use crate::diag::{counted, shorten};
use crate::engine::{Outcome, Verdict};
use crate::input::asked::Skipped;
use crate::policy::settings::Action;
use crate::ray::Kind;

/// How many different reasons to skip a document are counted apart.
const REASONS: usize = 20;
/// Where the others are counted.
const OTHER: &str = "other reasons";

/// What makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// An object that is denied, or a document that cannot be read
    #[default]
    Deny,
    /// A warning too
    Warn,
    /// Any finding
    Audit,
    /// Nothing
    Never,
}

/// The totals.
#[derive(Debug, Default)]
pub struct Total {
    /// Objects that were judged.
    pub judged: usize,
    /// Their kinds.
    kinds: BTreeSet<&'static str>,
    /// Those that were denied.
    pub denied: usize,
    /// Those with warnings.
    pub warned: usize,
    /// Those with findings that are for the log only.
    pub noted: usize,
    /// Those that were changed.
    pub changed: usize,
    /// Documents that were not judged, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Of these, the ones whose kind is misspelled.
    pub misspelled: usize,
    /// Documents that could not be read.
    pub unreadable: usize,
}

impl Total {
    /// Counts an object.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        let has = |action: Action| usize::from(outcome.findings.iter().any(|judged| judged.action == action));
        self.judged += 1;
        self.kinds.insert(Kind::of(outcome.document.value()).name);
        self.denied += usize::from(outcome.verdict != Verdict::Allow);
        self.warned += has(Action::Warn);
        self.noted += has(Action::Audit);
        self.changed += usize::from(outcome.document.is_changed());
    }

    /// Counts a document that is not judged. One whose kind is misspelled is as bad as one that cannot be read.
    pub fn skip(&mut self, skipped: &Skipped) {
        self.misspelled += usize::from(skipped.is_misspelled);
        let reason = shorten(&skipped.reason, 80);
        let has_room = self.skipped.len() < REASONS || self.skipped.contains_key(&reason);
        *self
            .skipped
            .entry(if has_room { reason } else { OTHER.to_owned() })
            .or_default() += 1;
    }

    /// What the objects are called together.
    fn noun(&self) -> &'static str {
        match self.kinds.first() {
            Some(kind) if self.kinds.len() == 1 => kind,
            _ => "Ray object",
        }
    }

    /// Whether the exit code is 1.
    pub fn fails(&self, on: FailOn) -> bool {
        let denied = self.denied + self.unreadable + self.misspelled;
        match on {
            FailOn::Deny => denied > 0,
            FailOn::Warn => denied + self.warned > 0,
            FailOn::Audit => denied + self.warned + self.noted > 0,
            FailOn::Never => false,
        }
    }

    /// What was not judged, behind a semicolon each; empty where all was.
    pub fn not_judged(&self) -> String {
        let mut text = String::new();
        let skipped: usize = self.skipped.values().sum();
        if skipped > 0 {
            let reasons = self.skipped.iter().map(|(reason, count)| format!("{count} × {reason}"));
            let reasons: Vec<String> = reasons.collect();
            text = format!("; {} skipped: {}", counted(skipped, "document"), reasons.join(", "));
        }
        if self.unreadable > 0 {
            text.push_str(&format!("; {} could not be read", self.unreadable));
        }
        text
    }

    /// The totals as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "judged": self.judged,
            "denied": self.denied,
            "warned": self.warned,
            "changed": self.changed,
            "skipped": self.skipped,
            "unreadable": self.unreadable,
        })
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} denied, {} with warnings, {} changed{}",
            counted(self.judged, self.noun()),
            self.denied,
            self.warned,
            self.changed,
            self.not_judged()
        )
    }
}
