//! Judging: every check looks, and what it finds decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::policy::rule::Rule;
use crate::policy::settings::Action;
use crate::policy::{Origin, Subject};
use crate::ray::RayJob;
use crate::rules::check::LIMITS;
use crate::rules::{Check, Cx, Finding, Findings, own};

use super::bundle::{Bundle, Compiled};
use super::compare::{Before, Compared, compare};
use super::document::{Document, first_missing};
use super::mutate::{Change, mutate};
use super::{Operation, Outcome, Request, preview};

/// Who found something.
#[derive(Clone, Debug)]
pub enum Finder {
    /// A check.
    Check(&'static Check),
    /// A rule of the platform's own.
    Rule(Arc<Rule>),
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
        }
    }

    /// Whether it is refused though a cluster exists. An edit that KubeRay finds invalid stops the job, and what the
    /// platform forbids a later cluster would bring: after a retry, or after suspending and resuming the job.
    fn outlives_the_cluster(&self) -> bool {
        match &self.finder {
            Finder::Rule(_) => true,
            Finder::Check(check) => {
                check.code.starts_with("RG1")
                    || check.code.starts_with("RG6")
                    || LIMITS.iter().any(|(code, _)| *code == check.code)
            }
        }
    }

    /// The code of the check, or [`RULE_CODE`].
    pub fn static_code(&self) -> &'static str {
        match &self.finder {
            Finder::Check(check) => check.code,
            Finder::Rule(_) => RULE_CODE,
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
    let object = std::mem::take(&mut request.object);
    let mut document = Document::new(object);
    let acts = match request.operation {
        Operation::Create => true,
        Operation::Update => request.old.as_ref().is_some_and(|old| {
            (is_suspended(document.value()) || is_suspended(old)) && compare(old, document.value()) == Compared::Changed
        }),
        Operation::Delete | Operation::Connect => false,
    };
    if !acts {
        return Outcome::untouched(document);
    }
    let (_, compiled) = request.compiled(document.value(), bundle);
    let before = preview::copy(&compiled, &document);
    let changes = mutate(bundle, &compiled, request.named, &mut document);
    let previews = before.map_or_else(Vec::new, |before| {
        preview::changes(bundle, &compiled, request.named, &before, (&document, &changes))
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
    let object = std::mem::take(&mut request.object);
    let document = Document::new(object);
    match (request.operation, request.old.take()) {
        (Operation::Create, _) => validate_create(bundle, &request, document),
        (Operation::Update, Some(old)) => validate_update(bundle, &request, &old, document),
        _ => Outcome::untouched(document),
    }
}

/// Judges an object as it is, without asking what `/mutate` would have done to it.
pub fn answer_as_is(bundle: &Bundle, mut request: Request) -> Outcome {
    let document = Document::new(std::mem::take(&mut request.object));
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject, request.old.as_ref());
    let findings = judge(bundle, &compiled, &asked, &document);
    let previews = preview::findings(&compiled, &findings, |_, with| judge(bundle, with, &asked, &document));
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

fn validate_create(bundle: &Bundle, request: &Request, mut document: Document) -> Outcome {
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject, None);
    let mut findings = judge(bundle, &compiled, &asked, &document);
    let before = preview::copy(&compiled, &document);
    let changes = mutate(bundle, &compiled, request.named, &mut document);
    let mut verdict = verdict_of(&findings);
    if !changes.is_empty() {
        if verdict == Verdict::Deny {
            findings = judge(bundle, &compiled, &asked, &document);
            verdict = if verdict_of(&findings) == Verdict::Deny {
                Verdict::Deny
            } else {
                Verdict::Retry
            };
        } else if changes.iter().any(|change| change.forced) {
            verdict = Verdict::Retry;
        }
    }
    let previews = before.map_or_else(Vec::new, |before| {
        let enforced = judge(bundle, &compiled, &asked, &document);
        preview::findings(&compiled, &enforced, |_, with| {
            let mut completed = Document::new(before.clone());
            let _: Vec<Change> = mutate(bundle, with, request.named, &mut completed);
            judge(bundle, with, &asked, &completed)
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

/// An update is refused only for what it makes worse. Re-applying a manifest takes away what was injected, so the
/// new object is judged as `/mutate` would complete it. Once a cluster exists KubeRay ignores edits of the spec, except
/// that one it finds invalid stops the job: then most findings only warn.
fn validate_update(bundle: &Bundle, request: &Request, old: &Value, document: Document) -> Outcome {
    if compare(old, document.value()) != Compared::Changed {
        return Outcome::untouched(document);
    }
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let (_, compiled_old) = request.compiled(old, bundle);
    let asked = request.asked(&subject, Some(old));
    let findings = worse(bundle, (&compiled_old, &compiled), &asked, old, &document);
    let previews = preview::findings(&compiled, &findings, |policy, with| {
        let with_old = compiled_old.previews.iter().find(|(name, _)| **name == *policy);
        let with_old = with_old.map_or(&*compiled_old, |(_, with)| with);
        worse(bundle, (with_old, with), &asked, old, &document)
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

/// What an update makes worse, by the policies that are for the old object and those that are for the new one.
fn worse(
    bundle: &Bundle,
    (compiled_old, compiled): (&Compiled, &Compiled),
    asked: &Asked<'_>,
    old: &Value,
    document: &Document,
) -> Vec<Judged> {
    let mut repaired = Document::new(document.value().clone());
    let _: Vec<Change> = mutate(bundle, compiled, asked.named, &mut repaired);
    let before: Vec<Judged> = judge(bundle, compiled, asked, &Document::new(old.clone()));
    let mut findings = judge(bundle, compiled, asked, &repaired);
    if !std::ptr::eq(compiled, compiled_old) {
        let known: BTreeSet<_> = findings
            .iter()
            .map(|judged| (judged.code().to_owned(), judged.finding.path.clone()))
            .collect();
        let before_by_old_policies = judge(bundle, compiled_old, asked, &Document::new(old.clone()));
        let before_by_old_policies = Before::of(&before_by_old_policies, old);
        let by_old_policies = judge(bundle, compiled_old, asked, &repaired);
        findings.extend(
            by_old_policies
                .into_iter()
                .filter(|judged| !known.contains(&(judged.code().to_owned(), judged.finding.path.clone())))
                .filter(|judged| before_by_old_policies.lacks(judged, repaired.value())),
        );
    }
    let before = Before::of(&before, old);
    findings.retain(|judged| before.lacks(judged, repaired.value()));
    let may_still_act = is_suspended(document.value()) || is_suspended(old) || !has_cluster(old);
    for judged in &mut findings {
        if judged.action == Action::Deny && !may_still_act && !judged.outlives_the_cluster() {
            judged.action = Action::Warn;
        }
    }
    findings.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    findings
}

/// Every finding in an object, worst first, then by code.
pub fn judge(bundle: &Bundle, compiled: &Compiled, asked: &Asked<'_>, document: &Document) -> Vec<Judged> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        namespace: &asked.subject.namespace,
        named: asked.named,
        skipped: false,
    };
    let job = RayJob::of(document.value());
    let mut judged = Vec::new();
    let mut findings = Findings::new();
    for (check, action) in &compiled.checks {
        (check.run)(&cx, &job, &mut findings);
        for finding in findings.drain(..) {
            let finding = reaching(finding, document);
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
                finding: reaching(finding, document),
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
            (check.run)(&cx, &job, &mut findings);
            for finding in findings.drain(..) {
                let finding = reaching(finding, document);
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
fn reaching(mut finding: Finding, document: &Document) -> Finding {
    if !finding.path.reaches(document.value()) {
        finding.path = first_missing(document.value(), &finding.path);
    }
    finding
}

impl Request {
    fn asked<'a>(&self, subject: &'a Subject, old: Option<&'a Value>) -> Asked<'a> {
        Asked {
            subject,
            old,
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

fn is_suspended(object: &Value) -> bool {
    RayJob::of(object).flag("suspend")
}

fn has_cluster(object: &Value) -> bool {
    object
        .get("status")
        .and_then(|status| status.get("rayClusterName"))
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty())
}
