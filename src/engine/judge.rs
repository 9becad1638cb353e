//! Judging: every check looks, and what it finds decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cel::Session;
use crate::facts::Known;
use crate::json::Json;
use crate::policy::Subject;
use crate::policy::settings::Action;
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
    /// What is known of the cluster.
    pub facts: Known<'a>,
    /// The object as it was, on an update.
    pub old: Option<Json<'a>>,
    /// Whether the object's name is final.
    pub named: bool,
}

/// Every finding in an object, worst first, then by code. With the object as it was before and the policies that were for it,
/// only what the new one adds: an update is judged by that.
pub fn judge(
    bundle: &Bundle,
    compiled: &Compiled,
    asked: &Asked<'_>,
    before: Option<(&Compiled, Json<'_>)>,
    object: Json<'_>,
) -> Vec<Judged> {
    let new = Workload::of(object);
    let new = Side::of(compiled, &new, asked, bundle);
    let old = before.map(|(compiled, old)| (compiled, Workload::of(old)));
    let old = old
        .as_ref()
        .map(|(compiled, old)| Side::of(compiled, old, asked, bundle));
    let waived = &compiled.effective.waived;
    let mut judged = Vec::new();
    let mut add = |found: Added, as_judged: &dyn Fn(Finding, Action) -> Judged| {
        let first = judged.len();
        judged.extend(
            found
                .kept
                .into_iter()
                .map(|(finding, action)| as_judged(finding, action)),
        );
        if let Some(last) = judged.get_mut(first..).and_then(<[Judged]>::last_mut) {
            last.more = found.more;
        }
    };
    for (check, action) in &compiled.checks {
        let finder = Finder::Check(check);
        let found = added(&finder, old.as_ref(), &new, &|side, findings| {
            let is_same = std::ptr::eq(side.compiled, compiled);
            let action = if is_same { *action } else { side.compiled.action(check) };
            side.check(check, action, findings)
        });
        let waiver = waived.get(check.code);
        add(found, &|finding, action| Judged {
            finder: finder.clone(),
            action,
            origin: waiver
                .cloned()
                .or_else(|| new.cx.origin(check, finding.entry.as_deref())),
            finding,
            exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            more: 0,
        });
    }
    for rule in &compiled.effective.rules {
        let finder = Finder::Rule(Arc::clone(rule));
        let found = added(&finder, old.as_ref(), &new, &|side, findings| {
            side.rule(&rule.code, findings)
        });
        let waiver = waived.get(&rule.code);
        add(found, &|finding, action| Judged {
            finder: finder.clone(),
            finding,
            action,
            origin: Some(Arc::clone(waiver.unwrap_or(&rule.origin))),
            exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            more: 0,
        });
    }
    for check in compiled.unraised.iter().flat_map(|unraised| &unraised.checks) {
        let finder = Finder::Check(check);
        let found = added(&finder, old.as_ref(), &new, &|side, findings| {
            side.unraised(check, findings)
        });
        add(found, &|finding, action| {
            let limit = check.limit_of(finding.entry.as_deref());
            let origin = limit
                .and_then(|limit| compiled.effective.raised_at(&limit))
                .map(Arc::clone);
            Judged {
                finder: finder.clone(),
                finding,
                action,
                exemption: origin.as_ref().map(|origin| Arc::clone(&origin.policy)),
                origin,
                more: 0,
            }
        });
    }
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    judged
}

/// An object, and what looks at it by the policies that are for it.
struct Side<'s> {
    job: &'s Workload<'s>,
    compiled: &'s Compiled,
    cx: Cx<'s>,
    /// The variables of rules, where there are rules.
    session: Option<Session<'s>>,
}

impl<'s> Side<'s> {
    fn of(compiled: &'s Compiled, job: &'s Workload<'s>, asked: &Asked<'s>, bundle: &'s Bundle) -> Side<'s> {
        let session = || asked.subject.session(job, asked.old, bundle.platform());
        Side {
            job,
            compiled,
            cx: Cx {
                policy: &compiled.effective,
                platform: bundle.platform(),
                facts: asked.facts,
                namespace: &asked.subject.namespace,
                named: asked.named,
                skipped: false,
            },
            session: (!compiled.effective.rules.is_empty()).then(session),
        }
    }

    /// What a check finds, and what happens to it unless it only warns.
    fn check(&self, check: &Check, action: Action, findings: Findings) -> (Findings, Action) {
        match action {
            Action::Ignore => (findings, action),
            _ => (check.look(&self.cx, self.job, findings), action),
        }
    }

    /// The same of the rule with this code.
    fn rule(&self, code: &str, findings: Findings) -> (Findings, Action) {
        let rule = self.compiled.effective.rules.iter().find(|rule| *rule.code == *code);
        let (Some(rule), Some(session)) = (rule, &self.session) else {
            return (findings, Action::Ignore);
        };
        let is_waived = self.compiled.effective.waived.contains_key(&rule.code);
        let action = if is_waived { Action::Audit } else { rule.action };
        (own::run(rule, self.job, session, findings), action)
    }

    /// What a check finds only without the exemptions that raise its limit.
    fn unraised(&self, check: &Check, mut findings: Findings) -> (Findings, Action) {
        if let Some(unraised) = &self.compiled.unraised {
            let tighter = Cx {
                policy: &unraised.effective,
                ..self.cx
            };
            let place = |finding: &Finding| (finding.path.clone(), finding.entry.clone(), finding.about.clone());
            let known = check.look(&self.cx, self.job, Findings::new());
            let known: BTreeSet<_> = known.kept().iter().map(place).collect();
            let all = check.look(&tighter, self.job, Findings::new()).into_iter();
            findings.extend(all.filter(|finding| !known.contains(&place(finding))));
        }
        (findings, Action::Audit)
    }
}

/// What is new of one check or rule.
struct Added {
    kept: Vec<(Finding, Action)>,
    /// How many more there are.
    more: usize,
}

/// What a check or rule finds in the new object, and not in the old one.
fn added(
    finder: &Finder,
    old: Option<&Side<'_>>,
    new: &Side<'_>,
    look: &dyn Fn(&Side<'_>, Findings) -> (Findings, Action),
) -> Added {
    let found = |side: &Side<'_>, findings: Findings| -> Added {
        let (findings, action) = look(side, findings);
        let more = findings.more();
        let as_judged = |finding: Finding| {
            let action = match action {
                Action::Fix | Action::Deny if finding.warn_only => Action::Warn,
                Action::Fix => Action::Deny,
                action => action,
            };
            (reaching(finding, side.job.object), action)
        };
        Added {
            kept: findings.into_iter().map(as_judged).collect(),
            more,
        }
    };
    let Some(old) = old else {
        return found(new, Findings::at_most(MOST));
    };
    let mut all = found(new, Findings::new());
    if all.kept.is_empty() {
        return all;
    }
    let before = Before::of(finder, found(old, Findings::new()).kept, old.job.object);
    all.kept = before.added(all.kept, new.job.object);
    let mut kept = [0; 2];
    all.kept.retain(|(finding, _)| {
        let [denying, warning] = &mut kept;
        let count = if finding.warn_only { warning } else { denying };
        *count += 1;
        let is_kept = *count <= MOST;
        all.more += usize::from(!is_kept);
        is_kept
    });
    all
}

/// A finding whose path leads to something, or to what is missing in something.
fn reaching(mut finding: Finding, object: Json<'_>) -> Finding {
    if !finding.path.reaches(object) {
        finding.path = first_missing(object, &finding.path);
    }
    finding
}
