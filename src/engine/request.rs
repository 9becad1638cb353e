//! What is asked, and what comes of it.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::facts::{Facts, Known};
use crate::json::{Json, Tree};
use crate::policy::Subject;
use crate::ray::Workload;
use crate::ray::flyte::Identity;

use super::bundle::{Bundle, Compiled};
use super::document::Document;
use super::judge::{Judged, Verdict};
use super::mutate::Change;
use super::preview::Preview;

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Something connects to it.
    Connect,
}

impl Operation {
    /// The name that the API server uses.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }
}

/// A request to make or change a Ray object.
#[derive(Clone, Debug)]
pub struct Request<'t> {
    /// What is done.
    pub operation: Operation,
    /// The namespace.
    pub namespace: String,
    /// The Kubernetes user who asks.
    pub user: String,
    /// The object as it shall be.
    pub object: Tree<'t>,
    /// The object as it is, on an update.
    pub old: Option<Tree<'t>>,
    /// When it is asked. From here on nothing reads a clock.
    pub now: Timestamp,
    /// What is known of the cluster.
    pub facts: Arc<Facts>,
}

impl Request<'_> {
    /// The object as it is, on an update.
    pub(super) fn old(&self) -> Option<Json<'_>> {
        self.old.as_ref().map(Tree::root)
    }

    /// What is known of the cluster, for this object.
    pub(super) fn known(&self) -> Known<'_> {
        Known::of(&self.facts, self.now, &self.namespace)
    }

    /// Who asks for an object, and what the policies for it come to.
    pub(super) fn compiled(&self, object: Json<'_>, bundle: &Bundle) -> (Subject, Arc<Compiled>) {
        let job = Workload::of(object);
        let mut subject = Subject::new(Identity::of(&job), &self.namespace, &self.user, bundle.platform());
        subject.kind = job.kind.name;
        subject.operation = self.operation.name();
        subject.today = Offset::UTC.to_datetime(self.now).date();
        let compiled = bundle.compiled(&subject, &job);
        (subject, compiled)
    }
}

/// What came of a request.
#[derive(Debug)]
pub struct Outcome<'t> {
    /// The object, changed or not, with its patch.
    pub document: Document<'t>,
    /// What was filled in and repaired, in order.
    pub changes: Vec<Change>,
    /// Everything that was found, worst first.
    pub findings: Vec<Judged>,
    /// What the answer is.
    pub verdict: Verdict,
    /// The names of the policies that matched, lowest priority first.
    pub policies: Vec<Arc<str>>,
    /// What each matching policy in Preview would have done. Nothing else in the outcome depends on it.
    pub previews: Vec<Preview>,
}

impl<'t> Outcome<'t> {
    /// The object is let through as it is, and nothing was looked at.
    pub(super) fn untouched(document: Document<'t>) -> Outcome<'t> {
        Outcome {
            document,
            changes: Vec::new(),
            findings: Vec::new(),
            verdict: Verdict::Allow,
            policies: Vec::new(),
            previews: Vec::new(),
        }
    }
}
