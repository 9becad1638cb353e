//! What policies in Preview would do: each as if it alone were enforced too, beside those that are.

use std::sync::Arc;

use crate::json::Tree;
use crate::k8s::path::Path;
use crate::policy::settings::Action;

use super::bundle::Compiled;
use super::document::Document;
use super::judged::{Finder, Judged};
use super::mutate::Change;

/// A policy in Preview that matched, and what it would have done.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The policy.
    pub policy: Arc<str>,
    /// What would be otherwise with it.
    pub would: Vec<Would>,
}

/// One thing that a policy in Preview would have made otherwise.
#[derive(Clone, Debug)]
pub struct Would {
    /// The injector, the code of the check, or `rule/NAME`.
    pub code: Arc<str>,
    /// What would have happened.
    pub effect: Effect,
    /// Where.
    pub path: Path,
    /// What was found, or done, in a sentence; empty for what is filled in.
    pub message: String,
}

/// What would have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The object would have been completed or repaired in another way.
    Change,
    /// A finding would have had this action; `Ignore` where it would not have been one.
    Find(Action),
}

impl Effect {
    /// Every effect with its meaning.
    pub const ALL: &[(&str, &str)] = &[
        ("Change", "the place would have been filled in or repaired otherwise"),
        ("Deny", "the object would have been refused for it"),
        ("Warn", "the author would have been warned"),
        ("Audit", "it would have been a finding for the audit log"),
        ("Ignore", "what is a finding would have been none"),
    ];

    /// The name in logs, metrics and test files.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Change => "Change",
            Effect::Find(action) => action.name(),
        }
    }
}

/// The name under which the previews of kinds are counted and shown: no policy has it.
pub const OF_KINDS: &str = "Platform";

/// What would have happened to an object of a kind in Preview.
pub(super) fn of_kind(changes: &[Change], findings: &[Judged]) -> Preview {
    let changed = changes.iter().map(|change| Would {
        code: change.by.into(),
        effect: Effect::Change,
        path: change.path.clone(),
        message: change.done.clone().unwrap_or_default(),
    });
    let found = findings.iter().map(|judged| would(judged, judged.action));
    Preview {
        policy: OF_KINDS.into(),
        would: changed.chain(found).collect(),
    }
}

/// The object as it came, where a policy in Preview will need it.
pub(super) fn copy<'t>(compiled: &Compiled, document: &Document<'t>) -> Option<Tree<'t>> {
    (!compiled.previews.is_empty()).then(|| document.tree().clone())
}

/// What policies in Preview would have done on `/mutate` to the object `before`, which became `enforced`.
pub(super) fn changes<'t>(
    compiled: &Compiled,
    before: &Tree<'t>,
    (enforced, changes): (&Document<'_>, &[Change]),
    complete: impl Fn(&Compiled, &mut Document<'t>) -> Vec<Change>,
) -> Vec<Preview> {
    let preview = |(policy, with): &(Arc<str>, Compiled)| {
        let mut document = Document::new(before.clone());
        let own = complete(with, &mut document);
        let mut would: Vec<Would> = Vec::new();
        // What it would do, and then what would not be done with it.
        for change in own.iter().chain(changes) {
            let is_known = would
                .iter()
                .any(|known| *known.code == *change.by && known.path == change.path);
            if !is_known && change.path.get(document.value()) != change.path.get(enforced.value()) {
                would.push(Would {
                    code: change.by.into(),
                    effect: Effect::Change,
                    path: change.path.clone(),
                    message: change.done.clone().unwrap_or_default(),
                });
            }
        }
        Preview {
            policy: Arc::clone(policy),
            would,
        }
    };
    compiled.previews.iter().map(preview).collect()
}

/// What policies in Preview would have found otherwise than `enforced`. `judge` says what is found with one of them.
pub(super) fn findings(
    compiled: &Compiled,
    enforced: &[Judged],
    judge: impl Fn(&str, &Compiled) -> Vec<Judged>,
) -> Vec<Preview> {
    let preview = |(policy, with): &(Arc<str>, Compiled)| {
        let own = judge(policy, with);
        let gone = enforced
            .iter()
            .filter(|judged| !own.iter().any(|other| is_same(other, judged)));
        let gone = gone.map(|judged| (judged, Action::Ignore));
        let other = own.iter().filter(|judged| {
            !enforced
                .iter()
                .any(|other| is_same(other, judged) && other.action == judged.action)
        });
        Preview {
            policy: Arc::clone(policy),
            would: other
                .map(|judged| (judged, judged.action))
                .chain(gone)
                .map(|(judged, action)| would(judged, action))
                .collect(),
        }
    };
    compiled.previews.iter().map(preview).collect()
}

fn would(judged: &Judged, action: Action) -> Would {
    Would {
        code: match &judged.finder {
            Finder::Check(check) => check.code.into(),
            Finder::Rule(rule) => Arc::clone(&rule.code),
            Finder::Server(page) => page.code.into(),
        },
        effect: Effect::Find(action),
        path: judged.finding.path.clone(),
        message: judged.finding.message.clone(),
    }
}

/// Whether two findings are about the same: what a rule is about is in its message.
fn is_same(one: &Judged, other: &Judged) -> bool {
    one.code() == other.code()
        && one.finding.path == other.finding.path
        && (!matches!(one.finder, Finder::Rule(_)) || one.finding.message == other.finding.message)
}
