//! Judging: every check looks, and what it finds decides.

use std::collections::BTreeSet;

use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::rules::{Check, Cx, Finding, Findings};

use super::bundle::{Bundle, Compiled};
use super::compare::{Before, Compared};
use super::document::{Document, first_missing};
use super::mutate::{Change, mutate};
use super::{Operation, Outcome, Request};

/// A finding, and what happens to it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The check that found it.
    pub check: &'static Check,
    /// What it found.
    pub finding: Finding,
    /// What happens: `Deny`, `Warn` or `Audit`.
    pub action: Action,
    /// Where in the policies that action stands; `None` where it is the check's own.
    pub origin: Option<String>,
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
        Operation::Update => is_suspended(document.value()) || request.old.as_ref().is_some_and(is_suspended),
        Operation::Delete | Operation::Connect => false,
    };
    if !acts {
        return Outcome {
            document,
            changes: vec![],
            findings: vec![],
            verdict: Verdict::Allow,
            policies: vec![],
        };
    }
    let compiled = bundle.compiled(&request.subject(document.value(), bundle));
    let changes = mutate(bundle, &compiled, request.named, &mut document);
    Outcome {
        document,
        changes,
        findings: vec![],
        verdict: Verdict::Allow,
        policies: compiled.effective.policies.clone(),
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
        _ => Outcome {
            document,
            changes: vec![],
            findings: vec![],
            verdict: Verdict::Allow,
            policies: vec![],
        },
    }
}

/// Judges an object as it is, without asking what `/mutate` would have done to it.
pub fn answer_as_is(bundle: &Bundle, mut request: Request) -> Outcome {
    let document = Document::new(std::mem::take(&mut request.object));
    let compiled = bundle.compiled(&request.subject(document.value(), bundle));
    let findings = judge(bundle, &compiled, request.named, &document);
    let verdict = verdict_of(&findings);
    Outcome {
        document,
        changes: vec![],
        findings,
        verdict,
        policies: compiled.effective.policies.clone(),
    }
}

fn validate_create(bundle: &Bundle, request: &Request, mut document: Document) -> Outcome {
    let compiled = bundle.compiled(&request.subject(document.value(), bundle));
    let mut findings = judge(bundle, &compiled, request.named, &document);
    let changes = mutate(bundle, &compiled, request.named, &mut document);
    let mut verdict = verdict_of(&findings);
    if !changes.is_empty() {
        if verdict == Verdict::Deny {
            findings = judge(bundle, &compiled, request.named, &document);
            verdict = if verdict_of(&findings) == Verdict::Deny {
                Verdict::Deny
            } else {
                Verdict::Retry
            };
        } else if changes.iter().any(|change| change.forced) {
            verdict = Verdict::Retry;
        }
    }
    Outcome {
        document,
        changes,
        findings,
        verdict,
        policies: compiled.effective.policies.clone(),
    }
}

/// An update is refused only for what it makes worse. Re-applying a manifest takes away what was injected, so the
/// new object is judged as `/mutate` would complete it. Once a cluster exists KubeRay ignores edits of the spec, except
/// that one it finds invalid stops the job: then KubeRay's own rules still refuse, and the others warn.
fn validate_update(bundle: &Bundle, request: &Request, old: &serde_json::Value, document: Document) -> Outcome {
    let allow = |document| Outcome {
        document,
        changes: vec![],
        findings: vec![],
        verdict: Verdict::Allow,
        policies: vec![],
    };
    match super::compare::compare(old, document.value()) {
        Compared::SameSpec | Compared::Resumed => return allow(document),
        Compared::Changed => {}
    }
    let compiled = bundle.compiled(&request.subject(document.value(), bundle));
    let compiled_old = bundle.compiled(&request.subject(old, bundle));
    let mut repaired = Document::new(document.value().clone());
    let _: Vec<Change> = mutate(bundle, &compiled, request.named, &mut repaired);
    let before: Vec<Judged> = judge(bundle, &compiled, request.named, &Document::new(old.clone()));
    let mut findings = judge(bundle, &compiled, request.named, &repaired);
    if !std::sync::Arc::ptr_eq(&compiled, &compiled_old) {
        let known: BTreeSet<_> = findings
            .iter()
            .map(|judged| (judged.check.code, judged.finding.path.clone()))
            .collect();
        let by_old_policies = judge(bundle, &compiled_old, request.named, &repaired);
        findings.extend(
            by_old_policies
                .into_iter()
                .filter(|judged| !known.contains(&(judged.check.code, judged.finding.path.clone()))),
        );
    }
    let before = Before::of(&before, old);
    findings.retain(|judged| before.lacks(judged, repaired.value()));
    let may_still_act = is_suspended(document.value()) || is_suspended(old) || !has_cluster(old);
    for judged in &mut findings {
        if judged.action == Action::Deny && !may_still_act && !judged.check.code.starts_with("RG1") {
            judged.action = Action::Warn;
        }
    }
    findings.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    let verdict = verdict_of(&findings);
    Outcome {
        document,
        changes: vec![],
        findings,
        verdict,
        policies: compiled.effective.policies.clone(),
    }
}

/// Every finding in an object, worst first, then by code.
pub fn judge(bundle: &Bundle, compiled: &Compiled, named: bool, document: &Document) -> Vec<Judged> {
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        named,
    };
    let job = RayJob::of(document.value());
    let mut judged = Vec::new();
    let mut findings = Findings::new();
    for (check, action) in &compiled.checks {
        (check.run)(&cx, &job, &mut findings);
        for mut finding in findings.drain(..) {
            if !finding.path.reaches(document.value()) {
                finding.path = first_missing(document.value(), &finding.path);
            }
            let action = match action {
                Action::Fix | Action::Deny if finding.warn_only => Action::Warn,
                Action::Fix => Action::Deny,
                action => *action,
            };
            let origin = cx.policy.action_origin(check.code).map(|origin| origin.to_string());
            judged.push(Judged {
                check,
                finding,
                action,
                origin,
            });
        }
    }
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.action));
    judged
}

fn verdict_of(findings: &[Judged]) -> Verdict {
    if findings.iter().any(|judged| judged.action == Action::Deny) {
        Verdict::Deny
    } else {
        Verdict::Allow
    }
}

fn is_suspended(object: &serde_json::Value) -> bool {
    RayJob::of(object).flag("suspend")
}

fn has_cluster(object: &serde_json::Value) -> bool {
    object
        .get("status")
        .and_then(|status| status.get("rayClusterName"))
        .and_then(serde_json::Value::as_str)
        .is_some_and(|name| !name.is_empty())
}
