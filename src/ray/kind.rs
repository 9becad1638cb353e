//! The kinds of Ray objects: where each one keeps its cluster and its job.
//!
//! KubeRay 1.7, `apis/ray/v1/*_types.go`. Everything else reads places through [`Kind`], so a new kind is a new row here.

use crate::json::{Array, Json, JsonMut, Tree};
use crate::k8s::json::{below, items, text};
use crate::k8s::path::{Path, Step};

use super::version::KubeRay;

/// The field of a RayClusterSpec that describes the head.
pub const HEAD: &str = "headGroupSpec";
/// The field of a RayClusterSpec that lists the worker groups.
pub const WORKERS: &str = "workerGroupSpecs";
/// The field of a RayJobSpec that holds the template of the submitter pod.
pub const SUBMITTER: &str = "submitterPodTemplate";
/// The field of a `spec` that suspends the object.
pub const SUSPEND: &str = "suspend";
/// The field of a `spec` that every kind has.
const SPEC: &[&str] = &["spec"];

/// A kind of Ray object.
#[derive(Debug)]
pub struct Kind {
    /// Its name: `RayJob`.
    pub name: &'static str,
    /// Its resource in the API: `rayjobs`.
    pub resource: &'static str,
    /// The first release of KubeRay that has it.
    pub since: KubeRay,
    /// The keys that lead to the RayClusterSpec.
    cluster: &'static [&'static str],
    /// The keys that lead to the RayJobSpec, if the kind runs a job.
    job: Option<&'static [&'static str]>,
    /// Whether KubeRay copies the object's labels and annotations to the RayCluster.
    pub hands_on_metadata: bool,
}

/// RayJob: a cluster and a job that runs on it.
pub static RAY_JOB: Kind = Kind {
    name: "RayJob",
    resource: "rayjobs",
    since: KubeRay::V1_1,
    cluster: &["spec", "rayClusterSpec"],
    job: Some(SPEC),
    hands_on_metadata: true,
};

/// RayCluster: a cluster alone.
pub static RAY_CLUSTER: Kind = Kind {
    name: "RayCluster",
    resource: "rayclusters",
    since: KubeRay::V1_1,
    cluster: SPEC,
    job: None,
    hands_on_metadata: true,
};

/// RayService: a cluster that serves applications.
pub static RAY_SERVICE: Kind = Kind {
    name: "RayService",
    resource: "rayservices",
    since: KubeRay::V1_1,
    cluster: &["spec", "rayClusterConfig"],
    job: None,
    hands_on_metadata: true,
};

/// RayCronJob: a template for RayJobs and a schedule. Its RayJobs get labels and annotations of their own.
pub static RAY_CRON_JOB: Kind = Kind {
    name: "RayCronJob",
    resource: "raycronjobs",
    since: KubeRay::V1_6,
    cluster: &["spec", "jobTemplate", "rayClusterSpec"],
    job: Some(&["spec", "jobTemplate"]),
    hands_on_metadata: false,
};

/// All kinds.
pub static KINDS: [&Kind; 4] = [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE, &RAY_CRON_JOB];

/// The path of a worker group's name in a RayJob, as an example of a path.
pub fn example_path() -> Path {
    RAY_JOB.group_path(0).then_key("groupName")
}

impl Kind {
    /// The kind of `object`. An object that names no kind, or an unknown one, reads as a RayJob.
    pub fn of(object: Json<'_>) -> &'static Kind {
        let name = text(object, "kind").unwrap_or_default();
        KINDS.into_iter().find(|kind| kind.name == name).unwrap_or(&RAY_JOB)
    }

    /// The RayClusterSpec of an object, null where it is missing.
    pub fn cluster<'a>(&self, object: Json<'a>) -> Json<'a> {
        below(object, self.cluster)
    }

    /// The RayJobSpec of an object, null where it is missing and for a kind without a job.
    pub fn job<'a>(&self, object: Json<'a>) -> Json<'a> {
        self.job.map_or(Json::NULL, |keys| below(object, keys))
    }

    /// The worker groups of an object.
    pub fn groups<'a>(&self, object: Json<'a>) -> Array<'a> {
        items(self.cluster(object), WORKERS)
    }

    /// The RayJobSpec of an object, for a kind that has one.
    pub fn job_mut<'m, 't>(&self, object: &'m mut Tree<'t>) -> Option<JsonMut<'m, 't>> {
        below_mut(object, self.job?)
    }

    /// The worker groups of an object.
    pub fn groups_mut<'m, 't>(&self, object: &'m mut Tree<'t>) -> Option<JsonMut<'m, 't>> {
        below_mut(object, self.cluster)?.key(WORKERS)
    }

    /// Where the RayClusterSpec is.
    pub fn cluster_path(&self) -> Path {
        Path::from_keys(self.cluster)
    }

    /// The field that holds the RayClusterSpec: `rayClusterSpec`.
    pub fn cluster_field(&self) -> &'static str {
        self.cluster.last().copied().unwrap_or_default()
    }

    /// Whether the kind runs a job.
    pub fn has_job(&self) -> bool {
        self.job.is_some()
    }

    /// Where the RayJobSpec is. For a kind without a job, its `spec`.
    pub fn job_path(&self) -> Path {
        Path::from_keys(self.job.unwrap_or(SPEC))
    }

    /// Where the head group is.
    pub fn head_path(&self) -> Path {
        self.cluster_path().then_key(HEAD)
    }

    /// Where the worker groups are.
    pub fn groups_path(&self) -> Path {
        self.cluster_path().then_key(WORKERS)
    }

    /// Where a worker group is.
    pub fn group_path(&self, index: usize) -> Path {
        self.groups_path().then_index(index)
    }

    /// Where the template of the submitter pod is.
    pub fn submitter_path(&self) -> Path {
        self.job_path().then_key(SUBMITTER)
    }

    /// The steps of `place` below the RayClusterSpec, if it is there.
    pub fn below_cluster<'p>(&self, place: &'p Path) -> Option<&'p [Step]> {
        below_keys(place, self.cluster)
    }

    /// The steps of `place` below the RayJobSpec, if it is there.
    pub fn below_job<'p>(&self, place: &'p Path) -> Option<&'p [Step]> {
        below_keys(place, self.job?)
    }

    /// The objects from `spec` down to the RayClusterSpec, each with the fields that do not count as its own: the next
    /// of these objects, the pod templates, and `spec.suspend`.
    pub fn levels(&self) -> impl Iterator<Item = (&'static [&'static str], Vec<&'static str>)> {
        let (cluster, job) = (self.cluster, self.job);
        (1..=cluster.len()).filter_map(move |depth| {
            let at = cluster.get(..depth)?;
            let mut others: Vec<&'static str> = match cluster.get(depth) {
                Some(next) => vec![*next],
                None => vec![HEAD, WORKERS],
            };
            if job == Some(at) {
                others.push(SUBMITTER);
            }
            if at == SPEC {
                others.push(SUSPEND);
            }
            Some((at, others))
        })
    }
}

fn below_keys<'p>(place: &'p Path, keys: &[&str]) -> Option<&'p [Step]> {
    let (above, below) = place.steps().split_at_checked(keys.len())?;
    let is_key = |(step, key): (&Step, &&str)| matches!(step, Step::Key(name) if name == *key);
    above.iter().zip(keys).all(is_key).then_some(below)
}

fn below_mut<'m, 't>(object: &'m mut Tree<'t>, keys: &[&str]) -> Option<JsonMut<'m, 't>> {
    keys.iter().try_fold(object.root_mut(), |value, key| value.key(key))
}

/// The kinds that something is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Every kind: they all have a cluster.
    All,
    /// The kinds that run a job: RayJob and RayCronJob.
    Jobs,
    /// The kinds with these names.
    Only(&'static [&'static str]),
}

impl Kinds {
    /// Whether `kind` is one of them.
    pub fn include(self, kind: &Kind) -> bool {
        match self {
            Kinds::All => true,
            Kinds::Jobs => kind.has_job(),
            Kinds::Only(names) => names.contains(&kind.name),
        }
    }
}
