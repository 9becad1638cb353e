//! Judging a request as the cluster would: `/mutate`, then `/validate`.

use jiff::Timestamp;

use crate::admission::denial;
use crate::admission::json::has_too_many_values;
use crate::engine::judge::{answer_as_is, answer_mutate, answer_validate};
use crate::engine::{Bundle, Document, Operation, Outcome, Request, Verdict};
use crate::policy::settings::Action;
use crate::ray::defaults;

use super::request::Asked;

/// How to judge.
#[derive(Clone, Debug)]
pub struct How {
    /// The time of every request.
    pub now: Timestamp,
    /// Whether each object is judged as it is, without what `/mutate` would do.
    pub as_it_is: bool,
    /// How the codes begin that count; all of them where this is empty.
    pub only: Vec<String>,
}

/// What comes of a request: the changes of `/mutate`, and the findings and the verdict of `/validate`.
pub fn judge(bundle: &Bundle, asked: &Asked<'_>, how: &How) -> Outcome {
    let request = asked.request(bundle, how.now);
    let lacks_old = request.operation == Operation::Update && request.old.is_none();
    let mut outcome = if how.as_it_is || lacks_old {
        as_it_is(bundle, request)
    } else {
        as_the_cluster_would(bundle, request)
    };
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

/// What both webhooks answer to a request, one after the other.
pub fn as_the_cluster_would(bundle: &Bundle, request: Request) -> Outcome {
    if is_too_large(&request) {
        return too_large(Document::new(request.object));
    }
    let mut completed = request.clone();
    let mutated = answer_mutate(bundle, request);
    completed.object = mutated.document.value().clone();
    defaults::complete_name(&mut completed.object);
    if is_too_large(&completed) {
        return Outcome {
            changes: mutated.changes,
            ..too_large(mutated.document)
        };
    }
    let judged = answer_validate(bundle, completed);
    let mut previews = mutated.previews;
    for preview in judged.previews {
        match previews.iter_mut().find(|known| known.policy == preview.policy) {
            Some(known) => known.would.extend(preview.would),
            None => previews.push(preview),
        }
    }
    Outcome {
        findings: judged.findings,
        verdict: judged.verdict,
        previews,
        ..mutated
    }
}

/// Whether the server denies a request without judging it.
fn is_too_large(request: &Request) -> bool {
    let mut objects = std::iter::once(&request.object).chain(&request.old);
    objects.any(has_too_many_values)
}

fn too_large(document: Document) -> Outcome {
    Outcome {
        document,
        changes: vec![],
        findings: vec![denial::too_many_values()],
        verdict: Verdict::Deny,
        policies: vec![],
        previews: vec![],
    }
}

fn as_it_is(bundle: &Bundle, mut request: Request) -> Outcome {
    if is_too_large(&request) {
        return too_large(Document::new(request.object));
    }
    let document = Document::new(request.object.clone());
    defaults::complete_name(&mut request.object);
    Outcome {
        document,
        ..answer_as_is(bundle, request)
    }
}
