//! The admission.k8s.io/v1 wire: from the bytes of a review to the bytes of its answer.

mod answer;
pub mod codes;
pub mod denial;
pub mod response;
pub mod review;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::engine::{Bundle, Finder, Operation, Request, Verdict, admit, bound};
use crate::facts::{Fact, Facts, Known};
use crate::policy::settings::Mode;
use crate::ray::kind::KINDS;
use crate::ray::{Workload, facts};
use crate::rules::Check;
use crate::rules::check::cluster;

pub use answer::{Answer, Previewed, Record, Spent};
use response::Response;
use review::{Asked, Review, ReviewError};

/// Which of the two webhooks was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/mutate`: completes and repairs the object.
    Mutate,
    /// `/validate`: judges the object.
    Validate,
}

/// Answers admission reviews with one bundle of policies. A review is answered by the bundle that was in use when it
/// came, from its first byte to its last, whatever replaces that bundle meanwhile.
#[derive(Debug)]
pub struct Gate {
    bundle: ArcSwap<Bundle>,
    facts: ArcSwap<Facts>,
    facts_fault: ArcSwap<Option<String>>,
    notices: ArcSwap<Vec<String>>,
    /// The names of the kinds in Preview, whatever the policies say.
    previews: Vec<String>,
}

impl Gate {
    /// A gate for these policies.
    pub fn new(bundle: Bundle) -> Gate {
        Gate {
            bundle: ArcSwap::from_pointee(bundle),
            facts: ArcSwap::new(Facts::none()),
            facts_fault: ArcSwap::default(),
            notices: ArcSwap::default(),
            previews: Vec::new(),
        }
    }

    /// A gate that reports what these policies and later ones would do to objects of the kinds of these names, and neither
    /// changes nor denies them.
    pub fn previewing(bundle: Bundle, kinds: Vec<String>) -> Gate {
        let gate = Gate::new(bundle.previewing(&kinds));
        Gate {
            previews: kinds,
            ..gate
        }
    }

    /// The policies in use.
    pub fn bundle(&self) -> Arc<Bundle> {
        self.bundle.load_full()
    }

    /// Answers every review from now on by these policies, and gives back the former ones.
    pub fn replace(&self, bundle: Bundle) -> Arc<Bundle> {
        self.bundle.swap(Arc::new(bundle.previewing(&self.previews)))
    }

    /// What is known of the cluster.
    pub fn facts(&self) -> Arc<Facts> {
        self.facts.load_full()
    }

    /// Answers every review from now on by these facts too.
    pub fn set_facts(&self, facts: Arc<Facts>) {
        self.facts.store(facts);
    }

    /// What is known of the cluster now in one line, kind by kind; `None` if nothing ever was.
    pub fn known(&self, now: Timestamp) -> Option<String> {
        let facts = self.facts();
        let kind = |fact: Fact| match (facts.unused(fact, now), facts.age(fact, now)) {
            (None, Some(age)) => format!("{} {age} s old", fact.name()),
            (None, None) => fact.name().to_owned(),
            (Some(reason), _) => format!("{} unknown ({reason})", fact.name()),
        };
        let kinds = Fact::ALL.map(kind);
        (!facts.is_empty()).then(|| kinds.join(", "))
    }

    /// Why the file with facts cannot be used; `None` if it can.
    pub fn facts_fault(&self) -> Option<String> {
        self.facts_fault.load().as_ref().clone()
    }

    /// Says why the file with facts cannot be used, or that it can.
    pub fn set_facts_fault(&self, fault: Option<String>) {
        self.facts_fault.store(Arc::new(fault));
    }

    /// What is wrong with the policy files, a line each: for people.
    pub fn notices(&self) -> Arc<Vec<String>> {
        self.notices.load_full()
    }

    /// Says what is wrong with the policy files, in place of what was said before.
    pub fn set_notices(&self, notices: Vec<String>) {
        self.notices.store(Arc::new(notices));
    }

    /// The policies in one line, for whoever starts a server: their digest and names.
    pub fn summary(&self) -> String {
        let bundle = self.bundle();
        let set = bundle.policies();
        let acting = set.policies.iter().filter(|policy| policy.mode != Mode::Disabled);
        let names: Vec<String> = acting
            .map(|policy| match policy.mode {
                Mode::Preview => format!("{} in Preview", policy.name),
                Mode::Enforce | Mode::Disabled => policy.name.to_string(),
            })
            .collect();
        let names = if names.is_empty() {
            "none, checks only".to_owned()
        } else {
            names.join(", ")
        };
        let platform = bundle.platform();
        let assumed = if platform.names_kuberay { "" } else { " assumed" };
        let previewed = KINDS.iter().filter(|kind| platform.previews(kind));
        let previewed: Vec<&str> = previewed.map(|kind| kind.name).collect();
        let preview = match previewed.len() {
            0 => String::new(),
            count if count == KINDS.len() => ", all in Preview".to_owned(),
            _ => format!(", {} in Preview", previewed.join(", ")),
        };
        format!(
            "{names} (bundle {}, KubeRay {}{assumed}{preview})",
            bundle.short_digest(),
            platform.kuberay
        )
    }

    /// Answers one review, which arrived now. Any bytes are legal input.
    pub fn answer(&self, endpoint: Endpoint, body: &[u8], now: Timestamp) -> Answer {
        let start = Instant::now();
        let mut review = match Review::read(body) {
            Ok(review) => review,
            Err(error) => return malformed(&error.to_string()),
        };
        let bundle = self.bundle();
        let mut record = review.record(&bundle);
        let asked = review.asked(now);
        let parsed = Instant::now();
        record.spent.parse = parsed.duration_since(start);
        let mut answer = match asked {
            Err(ReviewError::TooManyValues) => too_many_values(&bundle, endpoint, &review, record),
            Err(error) => malformed(&error.to_string()),
            Ok(Asked::NotOurs) => {
                record.verdict = "not-ours";
                Response::allow(&review).answer(record)
            }
            Ok(Asked::Judged(mut request)) => {
                request.facts = self.facts();
                decide(&bundle, endpoint, &review, *request, record)
            }
        };
        answer.record.spent.judge = parsed.elapsed();
        answer
    }
}

/// The answer to an object that is too large to be judged. Another try would end the same way, so it is denied; the
/// denial is that of `/validate`, because `/mutate` refuses nothing.
fn too_many_values(bundle: &Bundle, endpoint: Endpoint, review: &Review<'_>, record: Record) -> Answer {
    match endpoint {
        Endpoint::Mutate => {
            let record = Record {
                verdict: "allowed",
                ..record
            };
            Response::allow(review)
                .warning(&denial::one(&bound::too_many_values(denial::called(review.kind()).0)))
                .answer(record)
        }
        Endpoint::Validate => {
            let record = Record {
                verdict: "denied",
                codes: vec![bound::TOO_MANY_VALUES.code],
                ..record
            };
            Response::too_many_values(review, bundle).answer(record)
        }
    }
}

fn decide(
    bundle: &Bundle,
    endpoint: Endpoint,
    review: &Review<'_>,
    request: Request<'_>,
    mut record: Record,
) -> Answer {
    match endpoint {
        Endpoint::Mutate => {
            let outcome = admit::answer_mutate(bundle, request);
            record.injected = once(outcome.changes.iter().map(|change| change.by));
            record.injections = once(outcome.changes.iter().map(|change| {
                let policy = change.origin.as_ref().map(|origin| Arc::clone(&origin.policy));
                (change.by, policy)
            }));
            record.previews = outcome.previews.iter().map(Previewed::of).collect();
            record.verdict = if outcome.document.is_changed() {
                "mutated"
            } else {
                "allowed"
            };
            Response::mutated(review, bundle, &outcome).answer(record)
        }
        Endpoint::Validate => {
            let creates = request.operation == Operation::Create;
            if creates && !review.is_dry_run() {
                record.gpus =
                    facts::gpus(&Workload::of(request.object.root()), &bundle.platform().devices).unsigned_abs();
            }
            let platform = bundle.platform();
            let controller = platform.controllers().find(|(_, user)| *user == request.user);
            let (facts, now) = (Arc::clone(&request.facts), request.now);
            let namespace = request.namespace.clone();
            let outcome = admit::answer_validate(bundle, request);
            let refused = controller.filter(|_| outcome.verdict != Verdict::Allow);
            record.refused_controller = refused.map(|(controller, user)| (controller, user.into()));
            record.codes = once(outcome.findings.iter().map(|judged| judged.static_code()));
            record.answers = answers(Known::of(&facts, now, &namespace), &record.codes);
            for judged in &outcome.findings {
                if let Finder::Rule(rule) = &judged.finder
                    && !record.rules.iter().any(|name| **name == *rule.name)
                {
                    record.rules.push(rule.name.to_string());
                }
                if let Some(name) = &judged.exemption
                    && !record.exemptions.contains(name)
                {
                    record.exemptions.push(Arc::clone(name));
                }
            }
            record.injected = once(outcome.changes.iter().map(|change| change.by));
            record.previews = outcome.previews.iter().map(Previewed::of).collect();
            record.verdict = match outcome.verdict {
                Verdict::Allow => "allowed",
                Verdict::Deny => "denied",
                Verdict::Retry => "retry",
            };
            Response::judged(review, bundle, &outcome).answer(record)
        }
    }
}

/// What each check of facts answered: its code, and `cannot`, `fits` or `unknown`.
fn answers(known: Known<'_>, codes: &[&str]) -> Vec<(&'static str, &'static str)> {
    if known.is_empty() {
        return Vec::new();
    }
    let answer = |(check, facts): &(&Check, &[Fact])| {
        let answer = match facts.iter().any(|fact| known.unused(*fact).is_some()) {
            _ if codes.contains(&check.code) => "cannot",
            false => "fits",
            true => "unknown",
        };
        (check.code, answer)
    };
    cluster::NEEDS.iter().map(answer).collect()
}

fn once<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut each = Vec::new();
    for item in items {
        if !each.contains(&item) {
            each.push(item);
        }
    }
    each
}

fn malformed(why: &str) -> Answer {
    let body = format!("{}\n", crate::diag::safe(why)).into_bytes();
    Answer {
        status: 400,
        body,
        record: Record {
            verdict: "malformed",
            ..Record::default()
        },
    }
}

/// The answer of a server that has too much to do. `/mutate` is skipped under its failure policy; `/validate` asks
/// the API server's client to try again, which a plain HTTP status would turn into an internal error.
pub fn overloaded(endpoint: Endpoint, body: &[u8]) -> Answer {
    let record = Record {
        verdict: "overloaded",
        ..Record::default()
    };
    match (endpoint, Review::read_envelope(body)) {
        (Endpoint::Validate, Ok(review)) => {
            let record = Record {
                uid: review.uid.to_string(),
                kind: review.kind().map(|kind| kind.name).unwrap_or_default(),
                ..record
            };
            Response::retry(&review, "raygate has more requests than it can answer now; try again").answer(record)
        }
        _ => Answer {
            status: 503,
            body: b"raygate has more requests than it can answer now; try again\n".to_vec(),
            record,
        },
    }
}

/// The answer where answering panicked: a denial that says whose fault it is. It would happen again at every retry,
/// and an HTTP 500 would be retried until the workflow dies.
pub fn panicked(endpoint: Endpoint, body: &[u8]) -> Answer {
    let record = Record {
        verdict: "panicked",
        codes: vec![codes::DEFECT.code],
        ..Record::default()
    };
    let Ok(review) = Review::read_envelope(body) else {
        return Answer {
            status: 500,
            body: b"this is a defect of raygate, please report it\n".to_vec(),
            record,
        };
    };
    let record = Record {
        uid: review.uid.to_string(),
        kind: review.kind().map(|kind| kind.name).unwrap_or_default(),
        ..record
    };
    match endpoint {
        Endpoint::Mutate => {
            let (name, _) = denial::called(review.kind());
            Response::allow(&review)
                .warning(&format!(
                    "raygate could not complete this {name}; this is a defect of raygate (RG000), please report it"
                ))
                .answer(record)
        }
        Endpoint::Validate => Response::defect(&review).answer(record),
    }
}
