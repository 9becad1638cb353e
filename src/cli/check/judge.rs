//! Judging a request as the cluster would, and keeping to the codes that are asked for.

use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::{self, Bundle, Outcome, Request, Verdict, admit};
use crate::facts::Facts;
use crate::input::asked::Asked;
use crate::policy::settings::Action;

/// How to judge.
#[derive(Clone, Debug)]
pub struct How {
    /// The time of every request.
    pub now: Timestamp,
    /// What is known of the cluster.
    pub facts: Arc<Facts>,
    /// Which webhooks are asked.
    pub way: engine::How,
    /// How the codes begin that count; all of them where this is empty.
    pub only: Vec<String>,
}

/// What comes of a request, as far as the codes count.
pub fn judge(bundle: &Bundle, asked: &Asked<'_>, how: &How) -> Outcome<'static> {
    let (request, decoded) = asked.request(bundle, how.now);
    let request = Request {
        facts: Arc::clone(&how.facts),
        ..request
    };
    let mut outcome = admit(bundle, request, how.way);
    decoded.complete(bundle, &mut outcome);
    if !how.only.is_empty() {
        let counts = |code: &str| how.only.iter().any(|prefix| code.starts_with(prefix));
        outcome.findings.retain(|judged| counts(judged.code()));
        for preview in &mut outcome.previews {
            preview.would.retain(|would| counts(&would.code));
        }
        let denies = outcome.findings.iter().any(|judged| judged.action == Action::Deny);
        outcome.verdict = if denies { Verdict::Deny } else { Verdict::Allow };
    }
    outcome
}
