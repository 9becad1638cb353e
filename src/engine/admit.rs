//! The way of a request: the API server asks `/mutate`, prepares the object to be stored, and asks `/validate`.
//!
//! [`admit`] goes the whole way. The commands use it, and so say what the cluster would say. The server is asked twice and
//! uses the two halves, [`answer_mutate`] and [`answer_validate`]. The object of a request is what the API server sends: it
//! has the defaults of its CRD ([`defaults::apply`](crate::ray::defaults::apply)), and no managed fields.

use std::collections::BTreeSet;

use crate::facts::Known;
use crate::json::{Json, Tree};
use crate::policy::Subject;
use crate::policy::settings::Action;
use crate::ray::Kind;
use crate::ray::defaults::{complete_name, is_named};
use crate::ray::kind::RAY_CLUSTER;

use super::bound::{has_too_many_values, too_many_values};
use super::bundle::{Bundle, Compiled};
use super::child;
use super::compare::Before;
use super::document::Document;
use super::judge::{Asked, Judged, Verdict, judge};
use super::mutate::{self, Change, Completing};
use super::update::{Update, upgrade, without_scheduling};
use super::{Operation, Outcome, Request, preview};

/// Which webhooks a request goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// `/mutate`, then `/validate`.
    #[default]
    Both,
    /// The same, as if no kind were in Preview.
    Enforced,
    /// Neither: the checks and rules judge the object as it is.
    AsItIs,
}

/// What comes of a request: the changes of `/mutate`, and the findings and the verdict of `/validate`. Its document holds
/// the object that `/mutate` returns.
///
/// An object with too many values is denied, before `/mutate` or after it. An update without the object as it was is
/// judged as it is.
pub fn admit<'t>(bundle: &Bundle, mut request: Request<'t>, how: How) -> Outcome<'t> {
    if is_too_large(&request) {
        return too_large(Document::new(request.object));
    }
    let lacks_old = request.operation == Operation::Update && request.old.is_none();
    if how == How::AsItIs || lacks_old {
        let document = Document::new(request.object.clone());
        complete_name(&mut request.object);
        return Outcome {
            document,
            ..answer_as_is(bundle, request)
        };
    }
    let mut completed = request.clone();
    let (mutate, validate): (Answer<'t>, Answer<'t>) = match how {
        How::Enforced => (complete, judge_completed),
        _ => (answer_mutate, answer_validate),
    };
    let mutated = mutate(bundle, request);
    completed.object = mutated.document.tree().clone();
    prepare(&mut completed);
    if is_too_large(&completed) {
        return Outcome {
            changes: mutated.changes,
            ..too_large(mutated.document)
        };
    }
    let judged = validate(bundle, completed);
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

/// What the API server does between `/mutate` and `/validate`: it completes the name, and the status is that of the
/// stored object. A new object has none (Kubernetes, `registry/customresource/strategy.go`).
pub(super) fn prepare(request: &mut Request<'_>) {
    complete_name(&mut request.object);
    let object = request.object.root_mut();
    match request.old.as_ref().and_then(|old| old.root().get("status")) {
        Some(status) => {
            // What is no object has no status.
            let _ = object.insert("status", &status);
        }
        None => {
            object.remove("status");
        }
    }
}

/// Whether the server denies a request without judging it.
fn is_too_large(request: &Request<'_>) -> bool {
    let mut objects = std::iter::once(&request.object).chain(&request.old);
    objects.any(|object| has_too_many_values(object.root()))
}

fn too_large(document: Document<'_>) -> Outcome<'_> {
    Outcome {
        findings: vec![too_many_values(Kind::of(document.value()).name)],
        verdict: Verdict::Deny,
        ..Outcome::untouched(document)
    }
}

/// What answers one of the webhooks.
type Answer<'t> = fn(&Bundle, Request<'t>) -> Outcome<'t>;

/// Answers `/mutate`: the object is completed and repaired, and never refused. An object of a kind in Preview stays as
/// it is.
pub fn answer_mutate<'t>(bundle: &Bundle, request: Request<'t>) -> Outcome<'t> {
    if !is_previewed(bundle, &request) {
        return complete(bundle, request);
    }
    let received = request.object.clone();
    only_previewed(received, complete(bundle, request))
}

/// Answers `/validate`: all findings at once. The outcome's changes are what `/mutate` would still have to do; its
/// document holds them. An object of a kind in Preview is judged as `/mutate` would have completed it, and allowed.
pub fn answer_validate<'t>(bundle: &Bundle, request: Request<'t>) -> Outcome<'t> {
    if !is_previewed(bundle, &request) {
        return judge_completed(bundle, request);
    }
    let received = request.object.clone();
    let mut completed = request.clone();
    completed.object = complete(bundle, request).document.tree().clone();
    prepare(&mut completed);
    let mut judged = judge_completed(bundle, completed);
    judged.changes.clear();
    only_previewed(received, judged)
}

fn is_previewed(bundle: &Bundle, request: &Request<'_>) -> bool {
    bundle.platform().previews(Kind::of(request.object.root()))
}

/// The outcome for an object of a kind in Preview.
fn only_previewed<'t>(received: Tree<'t>, outcome: Outcome<'_>) -> Outcome<'t> {
    let mut previews = vec![preview::of_kind(&outcome.changes, &outcome.findings)];
    previews.extend(outcome.previews);
    Outcome {
        policies: outcome.policies,
        previews,
        ..Outcome::untouched(Document::new(received))
    }
}

fn complete<'t>(bundle: &Bundle, mut request: Request<'t>) -> Outcome<'t> {
    let mut document = Document::new(std::mem::take(&mut request.object));
    let Some(way) = Way::of(bundle, &request, document.value()) else {
        return Outcome::untouched(document);
    };
    if matches!(way, Way::Update(Update::Controller, ..)) {
        return Outcome::untouched(document);
    }
    let (_, compiled) = request.compiled(document.value(), bundle);
    let before = preview::copy(&compiled, &document);
    let known = request.known();
    let complete =
        |compiled: &Compiled, document: &mut Document<'t>| way.complete(bundle, compiled, known, true, document);
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

fn judge_completed<'t>(bundle: &Bundle, mut request: Request<'t>) -> Outcome<'t> {
    let mut document = Document::new(std::mem::take(&mut request.object));
    let Some(way) = Way::of(bundle, &request, document.value()) else {
        return Outcome::untouched(document);
    };
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject, document.value());
    let before = match way {
        Way::Update(update, old, _) if update.is_compared() => Some((old, request.compiled(old, bundle).1)),
        _ => None,
    };
    if let Way::Update(Update::Controller, old, _) = way {
        without_scheduling(old, &mut document);
    }
    let look = |policy: Option<&str>, compiled: &Compiled, document: &Document<'_>| match &before {
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
            added(bundle, (by, compiled), &asked, (*old, document.value()))
        }
    };
    let upgrade = match way {
        Way::Update(Update::Edit, old, _) => upgrade(bundle.platform(), old, document.value()),
        _ => None,
    };
    let mut findings = look(None, &compiled, &document);
    let mut verdict = verdict_of(&findings);
    let received = preview::copy(&compiled, &document);
    let mut changes = way.complete(bundle, &compiled, request.known(), false, &mut document);
    if matches!(way, Way::Update(Update::Controller, ..)) {
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
            if !matches!(way, Way::Update(Update::Controller, ..)) {
                let _: Vec<Change> = way.complete(bundle, with, request.known(), false, &mut completed);
            }
            look(Some(policy), with, &completed)
        })
    });
    let children = child::warnings(bundle, &request, document.value(), &findings);
    // A warning stands behind what denies, which comes first.
    let denials = findings.partition_point(|judged| judged.action > Action::Warn);
    findings.splice(denials..denials, upgrade.into_iter().chain(children));
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
    /// An update of this object, and whether other policies are for it than before.
    Update(Update, Json<'r>, bool),
}

impl<'r> Way<'r> {
    /// The way of a request; `None` where nothing is looked at.
    fn of(bundle: &Bundle, request: &'r Request<'_>, object: Json<'_>) -> Option<Way<'r>> {
        let kind = Kind::of(object);
        match (request.operation, request.old()) {
            // It is made of an object that was judged.
            (Operation::Create, _) if kind.is(&RAY_CLUSTER) && bundle.platform().is_operator(&request.user) => None,
            (Operation::Create, _) => Some(Way::Create),
            (Operation::Update, Some(old)) if !Kind::of(old).is(kind) => Some(Way::Create),
            (Operation::Update, Some(old)) => match Update::of(bundle.platform(), &request.user, old, object) {
                Update::NotJudged => None,
                update => {
                    let policies = |object| request.compiled(object, bundle).1.effective.policies.clone();
                    Some(Way::Update(update, old, policies(old) != policies(object)))
                }
            },
            _ => None,
        }
    }

    /// Does what `/mutate` does; the record of a creation is written where it is asked for.
    fn complete(
        self,
        bundle: &Bundle,
        compiled: &Compiled,
        facts: Known<'_>,
        records: bool,
        document: &mut Document<'_>,
    ) -> Vec<Change> {
        let asked = Completing {
            named: is_named(document.value()),
            facts,
        };
        match self {
            Way::Create if records => mutate::create(bundle, compiled, asked, document),
            Way::Create => mutate::fill(bundle, compiled, asked, document),
            Way::Update(update, old, others) => {
                mutate::update(bundle, compiled, asked, (update, old, others), document)
            }
        }
    }
}

/// Judges an object as it is, without asking what `/mutate` would have done to it.
pub fn answer_as_is<'t>(bundle: &Bundle, mut request: Request<'t>) -> Outcome<'t> {
    let document = Document::new(std::mem::take(&mut request.object));
    let (subject, compiled) = request.compiled(document.value(), bundle);
    let asked = request.asked(&subject, document.value());
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

/// What an update adds to the findings of the old object under its own policies, by those and by the policies that are for
/// the new object: an edit of what a policy is matched by neither leaves the policy behind, nor brings the object under one
/// that denies it.
fn added(
    bundle: &Bundle,
    (compiled_old, compiled): (&Compiled, &Compiled),
    asked: &Asked<'_>,
    (old, new): (Json<'_>, Json<'_>),
) -> Vec<Judged> {
    let before = judge(bundle, compiled_old, asked, old);
    let before = Before::of(&before, old);
    let added_by = |compiled: &Compiled| {
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

impl Request<'_> {
    fn asked<'a>(&'a self, subject: &'a Subject, object: Json<'_>) -> Asked<'a> {
        Asked {
            subject,
            facts: self.known(),
            old: self.old(),
            named: is_named(object),
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
