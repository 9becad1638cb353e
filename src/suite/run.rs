//! A case on its way through the engine: what `/mutate` and then `/validate` say, a second mutation, and the patch.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::{Bundle, Change, Decoded, How, Judged, Preview, Request, Verdict, admit};
use crate::json::Tree;

use super::case::Case;

/// What came of a case.
#[derive(Debug)]
pub struct Ran {
    /// The object before.
    pub before: Value,
    /// The object after `/mutate`.
    pub after: Value,
    /// What `/mutate` did.
    pub changes: Vec<Change>,
    /// What `/validate` found then.
    pub findings: Vec<Judged>,
    /// What it answered.
    pub verdict: Verdict,
    /// What policies in Preview would have done, on both.
    pub previews: Vec<Previewed>,
    /// The object after a second `/mutate`; it should be `after`.
    pub again: Value,
    /// What the patch makes of `before`, or why it cannot be applied; it should be `after`.
    pub replayed: Result<Value, String>,
}

/// One thing that a policy in Preview would have done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Previewed {
    /// The policy.
    pub policy: String,
    /// The injector, the code of the check, or `rule/NAME`.
    pub code: String,
    /// `Change`, or the action of the finding.
    pub effect: &'static str,
    /// Where.
    pub path: String,
}

fn previewed(previews: &[Preview]) -> impl Iterator<Item = Previewed> {
    previews.iter().flat_map(|preview| {
        preview.would.iter().map(|one| Previewed {
            policy: preview.policy.to_string(),
            code: one.code.to_string(),
            effect: one.effect.name(),
            path: one.path.to_string(),
        })
    })
}

/// Runs a case.
pub fn run(case: &Case, bundle: &Bundle) -> Ran {
    let request = |object: &Tree<'static>| Request {
        operation: case.operation,
        namespace: case.namespace.clone(),
        user: case
            .user
            .clone()
            .unwrap_or_else(|| bundle.likely_user(object.root()).to_owned()),
        object: object.clone(),
        old: case.old.clone(),
        now: case.now,
        facts: Arc::clone(&case.facts),
    };
    let mut object = case.object.clone();
    let decoded = Decoded::of(bundle, &mut object);
    let mut outcome = admit(bundle, request(&object), How::Both);
    decoded.complete(bundle, &mut outcome);
    let patch = serde_json::to_value(outcome.document.patch()).unwrap_or_default();
    let mut previews: Vec<Previewed> = previewed(&outcome.previews).collect();
    previews.sort();
    let after = outcome.document.into_tree();
    let again = admit(bundle, request(&after), How::Both).document.value().to_value();
    let before = object.root().to_value();
    Ran {
        previews,
        replayed: replay(&before, patch),
        before,
        after: after.root().to_value(),
        changes: outcome.changes,
        findings: outcome.findings,
        verdict: outcome.verdict,
        again,
    }
}

fn replay(before: &Value, patch: Value) -> Result<Value, String> {
    let patch: json_patch::Patch = serde_json::from_value(patch).map_err(|error| error.to_string())?;
    let mut object = before.clone();
    json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
    Ok(object)
}
