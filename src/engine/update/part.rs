//! The parts of an object, each of which an update keeps or completes as a whole.

use crate::k8s::path::{Path, Step};
use crate::ray::kind::{HEAD, Kind, SUBMITTER, WORKERS};
use crate::rules::APPLIED_ANNOTATION;

/// The annotation in which `kubectl apply` keeps the manifest.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The fields of a worker group that say how many pods it has. The autoscaler writes them, and people scale with them,
/// so they are never kept.
pub const SIZES: [&str; 4] = ["replicas", "minReplicas", "maxReplicas", "scaleStrategy"];

/// The annotations that no part has.
pub const NOT_ANNOTATIONS: [&str; 2] = [APPLIED_ANNOTATION, LAST_APPLIED];

/// A part of an object that is kept or completed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The labels and annotations of the object.
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
    /// The part of an object of this kind that a place belongs to.
    pub fn of(kind: &Kind, place: &Path) -> Part {
        match (kind.below_cluster(place), kind.below_job(place)) {
            (Some([Step::Key(key), ..]), _) if key == HEAD => Part::Head,
            (Some([Step::Key(key), Step::Index(index), ..]), _) if key == WORKERS => Part::Group(*index),
            (_, Some([Step::Key(key), ..])) if key == SUBMITTER => Part::Submitter,
            _ if matches!(place.steps(), [Step::Key(key), ..] if key == "metadata") => Part::Metadata,
            _ => Part::Job,
        }
    }

    /// Where the part is in an object of this kind.
    pub fn path(self, kind: &Kind) -> Path {
        match self {
            Part::Metadata => Path::of(["metadata"]),
            Part::Job => Path::of(["spec"]),
            Part::Head => kind.head_path(),
            Part::Submitter => kind.submitter_path(),
            Part::Group(index) => kind.group_path(index),
        }
    }
}
