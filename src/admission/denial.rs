//! The words of a denial, for somebody who wrote Python and never saw a RayJob.
//!
//! Flyte shows the message behind some words of its own and the API server's; its lists cut it at 100 bytes. So the
//! worst finding comes first, whole, then what to change in the Flyte task, then the others.

use serde::Serialize;

use crate::diag::{safe, truncated};
use crate::engine::{Finder, Judged};
use crate::policy::Platform;
use crate::ray::Kind;

/// The findings that a denial carries as causes; the rest are counted.
pub const MOST: usize = 50;
/// The findings that stand in its text.
const IN_TEXT: usize = 5;
/// The longest text of one finding, in bytes.
const LONGEST: usize = 600;

/// The text where `/mutate` was not reached, or by a replica with other policies: a cluster brings a change to one after
/// the other.
pub fn retry(kind: Option<&Kind>) -> String {
    let (name, word) = called(kind);
    format!(
        "the platform's defaults were not applied to this {name}, because raygate's mutating webhook did not answer, or because \
         the policies are just changing; nothing is wrong with the {word}, submit it again"
    )
}

/// The warning where `/mutate` was not reached and the object can work without it.
pub fn not_applied(kind: Option<&Kind>) -> String {
    let (name, _) = called(kind);
    format!(
        "the platform's defaults were not applied to this {name}: raygate's mutating webhook did not answer, or the policies are \
         just changing"
    )
}

/// The name of a kind, and what an object of it is called.
pub fn called(kind: Option<&Kind>) -> (&'static str, &'static str) {
    kind.map_or(("object", "object"), |kind| (kind.name, kind.word))
}

/// A cause of a denial, as Kubernetes has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The code of the check, or `rule/NAME`.
    pub reason: String,
    /// The finding, with what to change.
    pub message: String,
    /// The field.
    pub field: String,
}

/// The HTTP code and reason that Flyte handles best: 422 is final from Flyte 1.16.7 on and ends a whole workflow
/// before it; 403 is right for every Flyte, and for whoever else creates RayJobs.
pub fn status(platform: &Platform) -> (u16, &'static str) {
    let version = platform.flyte.version.as_deref().unwrap_or_default();
    let parts: Vec<u32> = version
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    match parts.as_slice() {
        [1, 16, patch, ..] if *patch >= 7 => (422, "Invalid"),
        [1, minor, ..] if *minor > 16 => (422, "Invalid"),
        _ => (403, "Forbidden"),
    }
}

/// One finding in one sentence: what is wrong, what to change, its code.
pub fn one(judged: &Judged) -> String {
    shortened(judged, LONGEST)
}

/// The same with so many bytes before the code, which is never cut off: it leads to the rest.
pub fn shortened(judged: &Judged, longest: usize) -> String {
    let finding = &judged.finding;
    let mut text = finding.message.clone();
    match (&finding.flyte, finding.fix.as_str()) {
        (Some(setting), "") => text.push_str(&format!("; in Flyte: {setting}")),
        (Some(setting), fix) => text.push_str(&format!("; {fix}, in Flyte: {setting}")),
        (None, "") => {}
        (None, fix) => text.push_str(&format!("; {fix}")),
    }
    format!("{} [{}]", truncated(&text, longest), judged.code())
}

/// The text of a denial.
pub fn message(denied: &[&Judged]) -> String {
    let Some((worst, others)) = denied.split_first() else {
        return "denied by policy".to_owned();
    };
    let mut text = one(worst);
    for (position, judged) in others.iter().take(IN_TEXT - 1).enumerate() {
        text.push_str(&format!(" ({}) {}", position + 2, one(judged)));
    }
    let rest = others
        .len()
        .saturating_sub(IN_TEXT - 1)
        .saturating_add(not_kept(denied));
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    match &worst.finder {
        Finder::Check(_) | Finder::Server(_) => text.push_str(&format!(" - more: raygate explain {}", worst.code())),
        Finder::Rule(rule) => text.push_str(&format!(
            " - a rule of policy {} at {}",
            rule.origin.policy, rule.origin
        )),
    }
    safe(&text).into_owned()
}

/// How many findings are counted and not kept.
pub fn not_kept(judged: &[&Judged]) -> usize {
    judged
        .iter()
        .fold(0, |sum: usize, judged| sum.saturating_add(judged.more))
}

/// The causes of a denial: at most [`MOST`], and one that counts the rest.
pub fn causes(denied: &[&Judged]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = denied
        .iter()
        .take(MOST)
        .map(|judged| Cause {
            reason: judged.code().to_owned(),
            message: safe(&one(judged)).into_owned(),
            field: safe(&judged.finding.path.to_string()).into_owned(),
        })
        .collect();
    let rest = denied.len().saturating_sub(MOST).saturating_add(not_kept(denied));
    if rest > 0 {
        causes.push(Cause {
            reason: "TooMany".to_owned(),
            message: format!("{rest} more findings are not shown"),
            field: String::new(),
        });
    }
    causes
}
