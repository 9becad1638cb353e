//! Judging: every check looks, and what it finds decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::diag::CodePage;
use crate::policy::rule::Rule;
use crate::policy::settings::Action;
use crate::policy::{Origin, Subject};
use crate::ray::Workload;
use crate::rules::{Check, Cx, Finding, Findings, own};

use super::bundle::{Bundle, Compiled};
use super::compare::Before;
use super::document::{Document, first_missing};
use super::mutate::{self, Change};
use super::update::{Update, without_scheduling};
use super::{Operation, Outcome, Request, preview};

/// Who found something.
#[derive(Clone, Debug)]
pub enum Finder {
    /// A check.
    Check(&'static Check),
    /// A rule of the platform's own.
    Rule(Arc<Rule>),
    /// The server, before any check.
    Server(&'static CodePage),
}

/// The code under which the findings of all rules are counted and shown where names have no place.
pub const RULE_CODE: &str = "rule";

/// A finding, and what happens to it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Who found it.
    pub finder: Finder,
    /// What it found.
    pub finding: Finding,
    /// What happens: `Deny`, `Warn` or `Audit`.
    pub action: Action,
    /// Where in the policies that action stands; `None` where it is the check's own.
    pub origin: Option<Arc<Origin>>,
    /// The exemption but for which more would happen; the action's origin is then there.
    pub exemption: Option<Arc<str>>,
}

impl Judged {
    /// The code of the check, or `rule/NAME`.
    pub fn code(&self) -> &str {
        match &self.finder {
            Finder::Check(check) => check.code,
            Finder::Rule(rule) => &rule.code,
            Finder::Server(page) => page.code,
        }
    }

    /// The code of the check, or [`RULE_CODE`].
    pub fn static_code(&self) -> &'static str {
        match &self.finder {
            Finder::Check(check) => check.code,
            Finder::Rule(_) => RULE_CODE,
            Finder::Server(page) => page.code,
        }
    }
}

/// Who asks, and for what besides the object.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// The object as it was, on an update.
    pub old: Option<&'a Value>,
    /// Whether the object's name is final.
    pub named: bool,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The object may be stored.
    Allow,
    /// It may not.
    Deny,
    /// It may not as it is, but the mutating webhook would have repaired it: it was not called, and the same request
    /// may pass at the next try.
    Retry,
}

/// Answers `/mutate`: the object is completed and repaired, and never refused.
pub fn answer_mutate(bundle: &Bundle, mut request: Request) -> Outcome {
    let mut document = Document::new(std::mem::take(&mut request.object));
    let Some(way) = Way::of(bundle, &request, document.value()) else {
        return Outcome::untouched(document);
    };
    if matches!(way, Way::Update(Update::Controller, _)) {
        return Outcome::untouched(document);
    }
    let (_, compiled) = request.compiled(document.value(), bundle);
    let before = preview::copy(&compiled, &document);
    let complete =
        |compiled: &Compiled, document: &mut Document| way.complete(bundle, compiled, &request, true, document);
    let changes = complete(&compiled, &mut document);
    let previews = before.map_or_else(Vec::new, |before| {
        preview::changes(&compiled, &before, (&document, &changes), complete)
    });
    Outcome {
        document,
        changes,
        findings: vec![],
        verdict: Verdict::Allow,
        policies: compiled.effective.policies.clone(),
        previews,
    }
}

/// Answers `/validate`: all findings at once. The outcome's changes are what `/mutate` would still have to do; its
/// document holds them.
pub fn answer_validate(bundle: &Bundle, mut request: Request) -> Outcome {
    let mut document = Document::new(std::mem::take(&mut request.object));
    let Some(way) = Way::of(bundle, &request, document.value()) else {
        return Outcome::untouched(document);
    };
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject);
    let before = match way {
        Way::Update(Update::Controller | Update::Edit, old) => Some((old, request.compiled(old, bundle).1)),
        _ => None,
    };
    if let Way::Update(Update::Controller, old) = way {
        without_scheduling(old, &mut document);
    }
    let look = |policy: Option<&str>, compiled: &Compiled, document: &Document| match &before {
        None => judge(bundle, compiled, &asked, document.value()),
        Some((old, by)) => {
            let by = policy
                .and_then(|policy| {
                    by.previews
                        .iter()
                        .find(|(name, _)| **name == *policy)
                        .map(|(_, with)| with)
                })
                .unwrap_or(by);
            added(bundle, (by, compiled), &asked, (old, document.value()))
        }
    };
    let mut findings = look(None, &compiled, &document);
    let mut verdict = verdict_of(&findings);
    let received = preview::copy(&compiled, &document);
    let mut changes = way.complete(bundle, &compiled, &request, false, &mut document);
    if matches!(way, Way::Update(Update::Controller, _)) {
        changes.retain(|change| change.forced);
    }
    if !changes.is_empty() {
        if verdict == Verdict::Deny {
            findings = look(None, &compiled, &document);
            verdict = match verdict_of(&findings) {
                Verdict::Deny => Verdict::Deny,
                _ => Verdict::Retry,
            };
        } else if changes.iter().any(|change| change.forced) {
            verdict = Verdict::Retry;
        }
    }
    let previews = received.map_or_else(Vec::new, |received| {
        let enforced = look(None, &compiled, &document);
        preview::findings(&compiled, &enforced, |policy, with| {
            let mut completed = Document::new(received.clone());
            if !matches!(way, Way::Update(Update::Controller, _)) {
                let _: Vec<Change> = way.complete(bundle, with, &request, false, &mut completed);
            }
            look(Some(policy), with, &completed)
        })
    });
    Outcome {
        document,
        changes,
        findings,
        verdict,
        policies: compiled.effective.policies.clone(),
        previews,
    }
}

/// How a request is treated.
#[derive(Clone, Copy)]
enum Way<'r> {
    /// Everything is completed, and every finding counts.
    Create,
    /// An update of this object.
    Update(Update, &'r Value),
}

impl<'r> Way<'r> {
    /// The way of a request; `None` where nothing is looked at.
    fn of(bundle: &Bundle, request: &'r Request, object: &Value) -> Option<Way<'r>> {
        match (request.operation, &request.old) {
            (Operation::Create, _) => Some(Way::Create),
            (Operation::Update, Some(old)) => match Update::of(bundle.platform(), &request.user, old, object) {
                Update::NotJudged => None,
                update => Some(Way::Update(update, old)),
            },
            _ => None,
        }
    }

    /// Does what `/mutate` does; the record of a creation is written where it is asked for.
    fn complete(
        self,
        bundle: &Bundle,
        compiled: &Compiled,
        request: &Request,
        records: bool,
        document: &mut Document,
    ) -> Vec<Change> {
        match self {
            Way::Create if records => mutate::create(bundle, compiled, request.named, document),
            Way::Create => mutate::fill(bundle, compiled, request.named, document),
            Way::Update(update, old) => mutate::update(bundle, compiled, request.named, (update, old), document),
        }
    }
}

/// Judges an object as it is, without asking what `/mutate` would have done to it.
pub fn answer_as_is(bundle: &Bundle, mut request: Request) -> Outcome {
    let document = Document::new(std::mem::take(&mut request.object));
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject);
    let findings = judge(bundle, &compiled, &asked, document.value());
    let previews = preview::findings(&compiled, &findings, |_, with| {
        judge(bundle, with, &asked, document.value())
    });
    let verdict = verdict_of(&findings);
    Outcome {
        document,
        changes: vec![],
        findings,
        verdict,
        policies: compiled.effective.policies.clone(),
        previews,
    }
}

/// What an update adds, by the policies that are for the old object and those that are for the new one: nobody leaves
/// a policy behind by an edit of what it is matched by.
fn added(
    bundle: &Bundle,
    (compiled_old, compiled): (&Compiled, &Compiled),
    asked: &Asked<'_>,
    (old, new): (&Value, &Value),
) -> Vec<Judged> {
    let added_by = |compiled: &Compiled| {
        let before = judge(bundle, compiled, asked, old);
        let before = Before::of(&before, old);
        let mut findings = judge(bundle, compiled, asked, new);
        findings.retain(|judged| before.lacks(judged, new));
        findings
    };
    let mut findings = added_by(compiled);
    if !std::ptr::eq(compiled, compiled_old) {
        let known: BTreeSet<_> = findings
            .iter()
            .map(|judged| (judged.code().to_owned(), judged.finding.path.clone()))
            .collect();
        let by_old_policies = added_by(compiled_old).into_iter();
        findings.extend(
            by_old_policies.filter(|judged| !known.contains(&(judged.code().to_owned(), judged.finding.path.clone()))),
        );
        findings.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    }
    findings
}

/// Every finding in an object, worst first, then by code.
pub fn judge(bundle: &Bundle, compiled: &Compiled, asked: &Asked<'_>, object: &Value) -> Vec<Judged> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        namespace: &asked.subject.namespace,
        named: asked.named,
        skipped: false,
    };
    let job = Workload::of(object);
    let mut judged = Vec::new();
    let mut findings = Findings::new();
    for (check, action) in &compiled.checks {
        check.look(&cx, &job, &mut findings);
        for finding in findings.drain(..) {
            let finding = reaching(finding, object);
            let action = match action {
                Action::Fix | Action::Deny if finding.warn_only => Action::Warn,
                Action::Fix => Action::Deny,
                action => *action,
            };
            let waiver = cx.policy.waived.get(check.code);
            judged.push(Judged {
                finder: Finder::Check(check),
                finding,
                action,
                origin: waiver.cloned().or_else(|| cx.origin(check.code)),
                exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            });
        }
    }
    if !cx.policy.rules.is_empty() {
        let session = asked.subject.session(&job, asked.old, bundle.platform());
        for rule in &cx.policy.rules {
            let waiver = cx.policy.waived.get(&rule.code);
            judged.extend(own::run(rule, &job, &session).into_iter().map(|finding| Judged {
                finder: Finder::Rule(Arc::clone(rule)),
                finding: reaching(finding, object),
                action: waiver.map_or(rule.action, |_| Action::Audit),
                origin: Some(Arc::clone(waiver.unwrap_or(&rule.origin))),
                exemption: waiver.map(|origin| Arc::clone(&origin.policy)),
            }));
        }
    }
    if let Some(unraised) = &compiled.unraised {
        let cx = Cx {
            policy: &unraised.effective,
            ..cx
        };
        for (check, origin) in &unraised.checks {
            check.look(&cx, &job, &mut findings);
            for finding in findings.drain(..) {
                let finding = reaching(finding, object);
                let is_known = |known: &Judged| known.code() == check.code && known.finding.path == finding.path;
                if !judged.iter().any(is_known) {
                    judged.push(Judged {
                        finder: Finder::Check(check),
                        finding,
                        action: Action::Audit,
                        origin: Some(Arc::clone(origin)),
                        exemption: Some(Arc::clone(&origin.policy)),
                    });
                }
            }
        }
    }
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    judged
}

/// A finding whose path leads to something, or to what is missing in something.
fn reaching(mut finding: Finding, object: &Value) -> Finding {
    if !finding.path.reaches(object) {
        finding.path = first_missing(object, &finding.path);
    }
    finding
}

impl Request {
    fn asked<'a>(&'a self, subject: &'a Subject) -> Asked<'a> {
        Asked {
            subject,
            old: self.old.as_ref(),
            named: self.named,
        }
    }
}

fn verdict_of(findings: &[Judged]) -> Verdict {
    if findings.iter().any(|judged| judged.action == Action::Deny) {
        Verdict::Deny
    } else {
        Verdict::Allow
    }
}
