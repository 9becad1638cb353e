//! Judging a request as the cluster would, and keeping to the codes that are asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::engine::{self, Bundle, Outcome, Request, admit};
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
    /// How the codes of the findings begin that are shown; all of them where this is empty.
    pub only: Vec<String>,
}

/// What comes of a request.
#[derive(Debug)]
pub struct Answer {
    /// The verdict of all findings, with those that are shown.
    pub outcome: Outcome<'static>,
    /// The codes of the findings that deny and are not shown, each once.
    pub hidden: Vec<String>,
}

/// Judges a request. What is not shown of the findings counts for the verdict all the same.
pub fn judge(bundle: &Bundle, asked: &Asked<'_>, how: &How) -> Answer {
    let (request, decoded) = asked.request(bundle, how.now);
    let request = Request {
        facts: Arc::clone(&how.facts),
        ..request
    };
    let mut outcome = admit(bundle, request, how.way);
    decoded.complete(bundle, &mut outcome);
    let mut hidden = BTreeSet::new();
    if !how.only.is_empty() {
        let is_shown = |code: &str| how.only.iter().any(|prefix| code.starts_with(prefix));
        outcome.findings.retain(|judged| {
            let shown = is_shown(judged.code());
            if !shown && judged.action == Action::Deny {
                hidden.insert(judged.code().to_owned());
            }
            shown
        });
        for preview in &mut outcome.previews {
            preview.would.retain(|would| is_shown(&would.code));
        }
    }
    Answer {
        outcome,
        hidden: hidden.into_iter().collect(),
    }
}
