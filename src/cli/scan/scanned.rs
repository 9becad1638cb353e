//! What came of each RayJob, and of all.

use crate::engine::{Outcome, Verdict};
use crate::policy::settings::Action;

/// A RayJob of the cluster, judged as if it were created now.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) outcome: Outcome<'static>,
}

impl Scanned {
    /// Whether there is anything to say of it: it would be refused, warned of, or changed.
    pub(super) fn is_notable(&self) -> bool {
        self.outcome.verdict != Verdict::Allow || self.outcome.document.is_changed() || self.warns()
    }

    pub(super) fn warns(&self) -> bool {
        self.outcome.findings.iter().any(|judged| judged.action == Action::Warn)
    }

    /// What the policies would answer.
    pub(super) fn verdict(&self) -> &'static str {
        match self.outcome.verdict {
            Verdict::Allow => "allowed",
            Verdict::Deny => "denied",
            Verdict::Retry => "retry",
        }
    }
}

/// How many there are of each.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) rayjobs: usize,
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) changed: usize,
}

impl Total {
    pub(super) fn count(&mut self, scanned: &Scanned) {
        self.rayjobs += 1;
        self.denied += usize::from(scanned.outcome.verdict == Verdict::Deny);
        self.warned += usize::from(scanned.warns());
        self.changed += usize::from(scanned.outcome.document.is_changed());
    }
}
