//! The parts of a RayJob, each of which an update keeps or completes as a whole.

use serde_json::Value;

use crate::k8s::path::{Path, Step};
use crate::rules::APPLIED_ANNOTATION;

/// The annotation in which `kubectl apply` keeps the manifest.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The fields of a worker group that say how many pods it has. The autoscaler writes them, and people scale with them,
/// so they are never kept.
pub const SIZES: [&str; 4] = ["replicas", "minReplicas", "maxReplicas", "scaleStrategy"];

/// The fields of `spec` that are parts of their own, or belong to none: who resumes a job changes `suspend` alone.
pub const NOT_JOB: [&str; 3] = ["rayClusterSpec", "submitterPodTemplate", "suspend"];

/// The fields of `spec.rayClusterSpec` that are parts of their own.
pub const NOT_CLUSTER: [&str; 2] = ["headGroupSpec", "workerGroupSpecs"];

/// The annotations that no part has.
pub const NOT_ANNOTATIONS: [&str; 2] = [APPLIED_ANNOTATION, LAST_APPLIED];

/// What is nowhere.
pub static NULL: Value = Value::Null;

/// The value below these keys, null where there is none.
pub fn below<'v>(value: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter()
        .try_fold(value, |value, key| value.get(*key))
        .unwrap_or(&NULL)
}

/// A part of a RayJob that is kept or completed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The labels and annotations of the RayJob.
    Metadata,
    /// The fields of the job and of its cluster.
    Job,
    /// `headGroupSpec`.
    Head,
    /// `submitterPodTemplate`.
    Submitter,
    /// A worker group, by its position.
    Group(usize),
}

impl Part {
    /// The part that a place belongs to.
    pub fn of(place: &Path) -> Part {
        let key = |at: usize| match place.steps().get(at) {
            Some(Step::Key(key)) => key.as_ref(),
            _ => "",
        };
        match (key(0), key(1), key(2), place.steps().get(3)) {
            ("spec", "rayClusterSpec", "headGroupSpec", _) => Part::Head,
            ("spec", "rayClusterSpec", "workerGroupSpecs", Some(Step::Index(index))) => Part::Group(*index),
            ("spec", "submitterPodTemplate", ..) => Part::Submitter,
            ("metadata", ..) => Part::Metadata,
            _ => Part::Job,
        }
    }

    /// Where the part stands.
    pub fn path(self) -> Path {
        let cluster = || Path::of(["spec", "rayClusterSpec"]);
        match self {
            Part::Metadata => Path::of(["metadata"]),
            Part::Job => Path::of(["spec"]),
            Part::Head => cluster().then_key("headGroupSpec"),
            Part::Submitter => Path::of(["spec", "submitterPodTemplate"]),
            Part::Group(index) => cluster().then_key("workerGroupSpecs").then_index(index),
        }
    }
}
