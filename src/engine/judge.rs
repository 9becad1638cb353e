//! Judging: every check looks, and what it finds decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cel::Session;
use crate::json::Json;
use crate::policy::settings::Action;
use crate::policy::{Origin, Subject};
use crate::ray::Workload;
use crate::rules::{Check, Cx, Finding, Findings, own};

use super::bundle::{Bundle, Compiled};
use super::compare::Before;
use super::document::first_missing;
use super::judged::{Finder, Judged};

/// The most findings of one check or rule that are kept, of those that may deny and of those that only warn. The rest are
/// counted: an object of 20,000 values may have a finding in each of them.
const MOST: usize = 100;

/// Who asks, and for what besides the object.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// The object as it was, on an update.
    pub old: Option<Json<'a>>,
    /// Whether the object's name is final.
    pub named: bool,
}

/// Every finding in an object, worst first, then by code. With the object as it was before, only what the new one adds: an
/// update is judged by that.
pub fn judge(
    bundle: &Bundle,
    compiled: &Compiled,
    asked: &Asked<'_>,
    before: Option<Json<'_>>,
    object: Json<'_>,
) -> Vec<Judged> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        namespace: &asked.subject.namespace,
        named: asked.named,
        skipped: false,
    };
    let rules = &cx.policy.rules;
    let looked_at = |object| (object, Workload::of(object));
    let (old, new) = (before.map(looked_at), looked_at(object));
    let new = Side::of(&new, asked, bundle, rules.is_empty());
    let old = old.as_ref().map(|old| Side::of(old, asked, bundle, rules.is_empty()));
    let mut judged = Vec::new();
    let mut add = |found: Vec<Finding>, more: usize, as_judged: &dyn Fn(Finding) -> Judged| {
        let first = judged.len();
        judged.extend(found.into_iter().map(as_judged));
        if let Some(last) = judged.get_mut(first..).and_then(<[Judged]>::last_mut) {
            last.more = more;
        }
    };
    for (check, action) in &compiled.checks {
        let finder = Finder::Check(check);
        let (found, more) = added(&finder, old.as_ref(), &new, &|side, findings| {
            check.look(&cx, side.job, findings)
        });
        let waiver = cx.policy.waived.get(check.code);
        add(found, more, &|finding| Judged {
            finder: finder.clone(),
            action: match action {
                Action::Fix | Action::Deny if finding.warn_only => Action::Warn,
                Action::Fix => Action::Deny,
                action => *action,
            },
            origin: waiver.cloned().or_else(|| cx.origin(check, finding.entry.as_deref())),
            finding,
            exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            more: 0,
        });
    }
    for rule in rules {
        let finder = Finder::Rule(Arc::clone(rule));
        let (found, more) = added(&finder, old.as_ref(), &new, &|side, findings| match &side.session {
            Some(session) => own::run(rule, side.job, session, findings),
            None => findings,
        });
        let waiver = cx.policy.waived.get(&rule.code);
        add(found, more, &|finding| Judged {
            finder: finder.clone(),
            finding,
            action: waiver.map_or(rule.action, |_| Action::Audit),
            origin: Some(Arc::clone(waiver.unwrap_or(&rule.origin))),
            exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            more: 0,
        });
    }
    if let Some(unraised) = &compiled.unraised {
        let tighter = Cx {
            policy: &unraised.effective,
            ..cx
        };
        for check in &unraised.checks {
            let finder = Finder::Check(check);
            let (found, more) = added(&finder, old.as_ref(), &new, &|side, findings| {
                only_unraised(check, (&cx, &tighter), side, findings)
            });
            let origin = |finding: &Finding| {
                let limit = check.limit_of(finding.entry.as_deref());
                limit.and_then(|limit| cx.policy.raised_at(&limit)).map(Arc::clone)
            };
            add(found, more, &|finding| {
                let origin: Option<Arc<Origin>> = origin(&finding);
                Judged {
                    finder: finder.clone(),
                    finding,
                    action: Action::Audit,
                    exemption: origin.as_ref().map(|origin| Arc::clone(&origin.policy)),
                    origin,
                    more: 0,
                }
            });
        }
    }
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    judged
}

/// An object with what looks at it need.
struct Side<'s> {
    object: Json<'s>,
    job: &'s Workload<'s>,
    /// The variables of rules, where there are rules.
    session: Option<Session<'s>>,
}

impl<'s> Side<'s> {
    fn of(
        (object, job): &'s (Json<'s>, Workload<'s>),
        asked: &Asked<'s>,
        bundle: &'s Bundle,
        without_rules: bool,
    ) -> Side<'s> {
        let session = || asked.subject.session(job, asked.old, bundle.platform());
        Side {
            object: *object,
            job,
            session: (!without_rules).then(session),
        }
    }
}

/// What a check or rule finds in the new object, and the old one has not, as far as it is kept; and how many more.
fn added(
    finder: &Finder,
    old: Option<&Side<'_>>,
    new: &Side<'_>,
    look: &dyn Fn(&Side<'_>, Findings) -> Findings,
) -> (Vec<Finding>, usize) {
    let found = |side: &Side<'_>, findings: Findings| -> (Vec<Finding>, usize) {
        let findings = look(side, findings);
        let more = findings.more();
        let reaching = findings.into_iter().map(|finding| reaching(finding, side.object));
        (reaching.collect(), more)
    };
    let Some(old) = old else {
        return found(new, Findings::at_most(MOST));
    };
    let (all, _) = found(new, Findings::new());
    if all.is_empty() {
        return (all, 0);
    }
    let before = Before::of(finder, found(old, Findings::new()).0, old.object);
    let mut kept = Findings::at_most(MOST);
    kept.extend(all.into_iter().filter(|finding| before.lacks(finding, new.object)));
    let more = kept.more();
    (kept.into_iter().collect(), more)
}

/// What a check finds only without the exemptions that raise its limit.
fn only_unraised(
    check: &Check,
    (raised, unraised): (&Cx<'_>, &Cx<'_>),
    side: &Side<'_>,
    mut findings: Findings,
) -> Findings {
    let place = |finding: &Finding| (finding.path.clone(), finding.entry.clone());
    let known = check.look(raised, side.job, Findings::new());
    let known: BTreeSet<_> = known.kept().iter().map(place).collect();
    let all = check.look(unraised, side.job, Findings::new()).into_iter();
    findings.extend(all.filter(|finding| !known.contains(&place(finding))));
    findings
}

/// A finding whose path leads to something, or to what is missing in something.
fn reaching(mut finding: Finding, object: Json<'_>) -> Finding {
    if !finding.path.reaches(object) {
        finding.path = first_missing(object, &finding.path);
    }
    finding
}
