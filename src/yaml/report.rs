//! Collects diagnostics, bounded and in the order of the text.

use super::codes;
use crate::diag::{Diagnostic, Severity};

/// So many are shown of one text, errors before warnings; more help nobody.
const MOST: usize = 100;

#[derive(Default)]
pub(super) struct Report {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    more: usize,
}

impl Report {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let list = if diagnostic.is_error() {
            &mut self.errors
        } else {
            &mut self.warnings
        };
        if list.len() < MOST {
            list.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    /// What was collected, by position.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        let room = MOST - self.errors.len();
        self.more += self.warnings.len().saturating_sub(room);
        self.warnings.truncate(room);
        let mut all = self.errors;
        all.append(&mut self.warnings);
        all.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|(span, _)| (span.start, span.end)));
        if self.more > 0 {
            let message = format!("{} more diagnostics of this file are not shown", self.more);
            let mut note = Diagnostic::new(Severity::Note, codes::TOO_MANY_DIAGNOSTICS, message);
            note.primary = all
                .last()
                .and_then(|last| last.primary.as_ref())
                .map(|(span, _)| (*span, String::new()));
            all.push(note);
        }
        all
    }
}
