//! The answer to a review, and the record of how it was decided.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Preview;

/// The answer to one request, ready for the socket.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status: 200 with a review in the body, or another with a plain sentence.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// What the log line and the metrics say of it.
    pub record: Record,
}

/// What one decision was, for the log and the metrics.
#[derive(Debug, Default)]
pub struct Record {
    /// The request's uid, empty where the body could not be read that far.
    pub uid: String,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, or empty.
    pub operation: String,
    /// The namespace of the object.
    pub namespace: String,
    /// The kind of the object: `RayJob`; empty for what is no Ray object.
    pub kind: &'static str,
    /// The name of the object, or its `generateName`.
    pub name: String,
    /// `allowed`, `mutated`, `denied`, `retry`, `not-ours`, `malformed`, `overloaded` or `panicked`.
    pub verdict: &'static str,
    /// The codes of the findings, each once, in order; `rule` for all of the platform's own rules.
    pub codes: Vec<&'static str>,
    /// What each check of facts answered: its code, and `cannot`, `fits` or `unknown`; none without facts.
    pub answers: Vec<(&'static str, &'static str)>,
    /// The names of the platform's own rules that found something, each once, in order.
    pub rules: Vec<String>,
    /// The injectors and repairs that changed something, each once, in order; on `/validate`, those that should have.
    pub injected: Vec<&'static str>,
    /// What `/mutate` changed: each injector or repair with the policy that it acted for, each once; `None` where none of
    /// the policies asks for it.
    pub injections: Vec<(&'static str, Option<Arc<str>>)>,
    /// The accelerators of all pods that a new object asks for, where `/validate` was asked to let it in.
    pub gpus: u64,
    /// The controller that was refused, `operator` for KubeRay's and `queue` for that of the queue, and its user.
    pub refused_controller: Option<(&'static str, Arc<str>)>,
    /// The exemptions but for which more would have happened, each once, in order.
    pub exemptions: Vec<Arc<str>>,
    /// The policies in Preview that matched, and what they would have done.
    pub previews: Vec<Previewed>,
    /// The bundle's short digest.
    pub bundle: String,
    /// Where its time went.
    pub spent: Spent,
}

/// Where the time of a review went, in the order in which it did. Zero for what it never came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Reading the body.
    pub body: Duration,
    /// Waiting to be evaluated.
    pub queue: Duration,
    /// From the body's bytes to the object.
    pub parse: Duration,
    /// Mutating or validating, from the object to the answer's bytes.
    pub judge: Duration,
}

/// A policy in Preview that matched a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// The policy.
    pub policy: Arc<str>,
    /// The injectors, codes and rules that would have come out otherwise, with what they would have done, each once.
    pub would: Vec<(Arc<str>, &'static str)>,
}

impl Previewed {
    pub(super) fn of(preview: &Preview) -> Previewed {
        let mut would = Vec::new();
        for one in &preview.would {
            let seen = (Arc::clone(&one.code), one.effect.name());
            if !would.contains(&seen) {
                would.push(seen);
            }
        }
        Previewed {
            policy: Arc::clone(&preview.policy),
            would,
        }
    }
}
