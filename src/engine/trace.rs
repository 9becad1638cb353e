//! What became of one request, part by part: what `raygate explain FILE` shows.
//!
//! Nothing here decides anything. It asks the parts that answer a review, and keeps what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cel::{Here, Meter};
use crate::policy::exemption::Grant;
use crate::policy::select::{Decision, decide};
use crate::policy::settings::Action;
use crate::policy::{Exemption, RayPolicy, Subject};
use crate::ray::Workload;
use crate::ray::defaults::is_named;
use crate::rules::{Check, Cx, INJECTORS, Injector, check, own};

use super::admit::{How, admit, prepare};
use super::bundle::{Bundle, Compiled};
use super::{Outcome, Request};

/// The way of one request through a bundle.
#[derive(Debug)]
pub struct Trace<'b, 't> {
    /// Who asks.
    pub subject: Subject,
    /// What became of each policy, lowest priority first.
    pub policies: Vec<(&'b RayPolicy, Decision<'b>)>,
    /// What became of each exemption.
    pub exemptions: Vec<(&'b Exemption, Grant<'b>)>,
    /// What the matching policies come to.
    pub compiled: Arc<Compiled>,
    /// What came of it.
    pub outcome: Outcome<'t>,
    /// What kept the injectors from acting that did nothing.
    pub idle: Vec<(&'static Injector, Idle)>,
    /// What the `when` of each policy for which it is false saw, by the policy's name; of one that has no value, why.
    pub saw: BTreeMap<Arc<str>, String>,
    /// The codes of the rules whose `when` is true nowhere in the completed object.
    pub resting: BTreeSet<Arc<str>>,
    /// The checks of other kinds, releases and gates of KubeRay.
    pub not_asked: Vec<&'static Check>,
    /// The checks whose findings the policies ignore.
    pub ignored: Vec<&'static Check>,
}

/// Why an injector did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// The author has turned it off, and a policy lets them.
    Skipped,
    /// No matching policy sets what it puts in.
    NothingSet,
    /// What it would put in is there, or has no place in this RayJob.
    NothingMissing,
}

/// Follows a request the whole way.
pub fn trace<'b, 't>(bundle: &'b Bundle, request: Request<'t>) -> Trace<'b, 't> {
    let (subject, compiled) = request.compiled(request.object.root(), bundle);
    let job = Workload::of(request.object.root());
    let seen = subject.seen(&job, bundle.platform());
    let session = &seen.own;
    let set = bundle.policies();
    let policies: Vec<(&RayPolicy, Decision<'_>)> = set
        .policies
        .iter()
        .map(|policy| (policy, decide(policy, &subject, &seen)))
        .collect();
    let exemptions = set
        .exemptions
        .iter()
        .map(|exemption| (exemption, exemption.grant(&subject)))
        .collect();
    let saw = policies
        .iter()
        .filter_map(|(policy, decision)| {
            let when = policy.matches.when.as_ref()?;
            let text = match decision {
                Decision::False => when.saw(session),
                Decision::For(selected) if !selected.certain => {
                    let value = when.holds(session, Here::Job, &Arc::new(Meter::default()));
                    value.err()?.to_string()
                }
                _ => return None,
            };
            Some((Arc::clone(&policy.name), text))
        })
        .collect();
    let outcome = admit(bundle, request.clone(), How::Both);
    let mut completed = request.clone();
    completed.object = outcome.document.tree().clone();
    prepare(&mut completed);
    let resting = {
        let job = Workload::of(completed.object.root());
        let session = subject.session(&job, request.old(), bundle.platform());
        let rules = compiled.effective.rules.iter();
        rules
            .filter(|rule| !own::looks(rule, &job, &session))
            .map(|rule| Arc::clone(&rule.code))
            .collect()
    };
    let cx = Cx {
        policy: &compiled.effective,
        platform: bundle.platform(),
        facts: request.known(),
        namespace: &request.namespace,
        named: is_named(request.object.root()),
        skipped: false,
    };
    let idle = INJECTORS
        .iter()
        .filter(|injector| !outcome.changes.iter().any(|change| change.by == injector.name))
        .map(|injector| (injector, idle(injector, &cx, &job)))
        .collect();
    let (known, not_asked): (Vec<_>, Vec<_>) =
        check::all().partition(|check| check.versions.hold(bundle.platform()) && check.kinds.include(job.kind));
    let ignored = known
        .into_iter()
        .filter(|check| compiled.action(check) == Action::Ignore)
        .collect();
    drop(seen);
    Trace {
        policies,
        exemptions,
        saw,
        resting,
        idle,
        not_asked,
        ignored,
        outcome,
        compiled: Arc::clone(&compiled),
        subject,
    }
}

fn idle(injector: &Injector, cx: &Cx<'_>, job: &Workload<'_>) -> Idle {
    if cx.skips(job, injector.name) {
        Idle::Skipped
    } else if injector.settings.iter().all(|section| !cx.policy.sets(section)) {
        Idle::NothingSet
    } else {
        Idle::NothingMissing
    }
}
