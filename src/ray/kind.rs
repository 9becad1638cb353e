//! The kinds of Ray objects: where each one keeps its cluster and its job.
//!
//! KubeRay 1.7, `apis/ray/v1/*_types.go`. Everything else reads places through [`Kind`], so a new kind is a new row here.

use serde_json::{Map, Value, json};

use crate::json::{Array, Json, JsonMut, Tree};
use crate::k8s::json::{below, items, text};
use crate::k8s::path::{Path, Step};

use super::version::KubeRay;

/// The API group of all kinds.
pub const GROUP: &str = "ray.io";
/// The field of a RayClusterSpec that describes the head.
pub const HEAD: &str = "headGroupSpec";
/// The field of a RayClusterSpec that lists the worker groups.
pub const WORKERS: &str = "workerGroupSpecs";
/// The field of a RayJobSpec that holds the template of the submitter pod.
pub const SUBMITTER: &str = "submitterPodTemplate";
/// The field of a RayService's `spec` that holds the applications, as YAML in a text.
pub const SERVE_CONFIG: &str = "serveConfigV2";
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
    /// What people call an object of it in a sentence: `job`.
    pub word: &'static str,
    /// The fields that suspend it. Kueue suspends a RayService by the second (Kueue 0.19, `jobs/rayservice`).
    suspends: &'static [&'static [&'static str]],
    /// When KubeRay builds pods from it.
    builds: Builds,
}

/// When KubeRay builds pods from an object that is not suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Builds {
    /// Once: its status then names the RayCluster. A later change of the spec reaches no pod.
    Once,
    /// Always: a change of the spec reaches the pods.
    Always,
    /// Never itself: other objects are made from it.
    Never,
}

/// RayJob: a cluster and a job that runs on it.
pub static RAY_JOB: Kind = Kind {
    name: "RayJob",
    resource: "rayjobs",
    since: KubeRay::V1_1,
    cluster: &["spec", "rayClusterSpec"],
    job: Some(SPEC),
    hands_on_metadata: true,
    word: "job",
    suspends: &[&["spec", SUSPEND]],
    builds: Builds::Once,
};

/// RayCluster: a cluster alone.
pub static RAY_CLUSTER: Kind = Kind {
    name: "RayCluster",
    resource: "rayclusters",
    since: KubeRay::V1_1,
    cluster: SPEC,
    job: None,
    hands_on_metadata: true,
    word: "cluster",
    suspends: &[&["spec", SUSPEND]],
    builds: Builds::Always,
};

/// RayService: a cluster that serves applications.
pub static RAY_SERVICE: Kind = Kind {
    name: "RayService",
    resource: "rayservices",
    since: KubeRay::V1_1,
    cluster: &["spec", "rayClusterConfig"],
    job: None,
    hands_on_metadata: true,
    word: "service",
    suspends: &[&["spec", SUSPEND], &["spec", "rayClusterConfig", SUSPEND]],
    builds: Builds::Always,
};

/// RayCronJob: a template for RayJobs and a schedule. Its RayJobs get labels and annotations of their own.
pub static RAY_CRON_JOB: Kind = Kind {
    name: "RayCronJob",
    resource: "raycronjobs",
    since: KubeRay::V1_6,
    cluster: &["spec", "jobTemplate", "rayClusterSpec"],
    job: Some(&["spec", "jobTemplate"]),
    hands_on_metadata: false,
    word: "cron job",
    suspends: &[&["spec", SUSPEND]],
    builds: Builds::Never,
};

/// All kinds.
pub static KINDS: [&Kind; 4] = [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE, &RAY_CRON_JOB];

/// The kind of this name: `RayJob`.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.name == name)
}

/// The kind of this resource: `rayjobs`.
pub fn of_resource(resource: &str) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.resource == resource)
}

/// The path of a worker group's name in a RayJob, as an example of a path.
pub fn example_path() -> Path {
    RAY_JOB.group_path(0).then_key("groupName")
}

impl Kind {
    /// The kind of `object`. An object that names no kind, or an unknown one, reads as a RayJob.
    pub fn of(object: Json<'_>) -> &'static Kind {
        text(object, "kind").and_then(named).unwrap_or(&RAY_JOB)
    }

    /// An object of this kind with the name, the labels and the cluster of a RayJob, its job where the kind has one, and
    /// an example of what else the kind requires.
    #[must_use]
    pub fn from_job(&self, job: Json<'_>) -> Value {
        if self.is(&RAY_JOB) {
            return job.to_value();
        }
        let mut object = json!({
            "apiVersion": below(job, &["apiVersion"]),
            "kind": self.name,
            "metadata": below(job, &["metadata"]),
        });
        let (keys, part) = match self.job {
            Some(keys) => (keys, RAY_JOB.job(job)),
            None => (self.cluster, RAY_JOB.cluster(job)),
        };
        let tree = keys.iter().rev().fold(part.to_value(), |below, key| {
            let mut map = Map::new();
            map.insert((*key).to_owned(), below);
            Value::Object(map)
        });
        if let (Value::Object(object), Value::Object(tree)) = (&mut object, tree) {
            object.extend(tree);
        }
        let required = match self.name {
            "RayCronJob" => Some(("schedule", "0 3 * * *")),
            "RayService" => Some((SERVE_CONFIG, "applications: [{name: app, import_path: app.main:app}]")),
            _ => None,
        };
        let spec = object.get_mut("spec").and_then(Value::as_object_mut);
        if let (Some(spec), Some((key, value))) = (spec, required) {
            spec.insert(key.to_owned(), value.into());
        }
        if self.is(&RAY_SERVICE) {
            self.name_serve_port(&mut object);
        }
        object
    }

    /// Adds a port for the applications to the ports of the head. Without any ports KubeRay takes its own.
    fn name_serve_port(&self, object: &mut Value) {
        const PORTS: &str = "/template/spec/containers/0/ports";
        let mut keys = self.cluster.iter().chain([&HEAD]);
        let head = keys.try_fold(object, |value, key| value.get_mut(*key));
        let ports = head.and_then(|head| head.pointer_mut(PORTS)?.as_array_mut());
        if let Some(ports) = ports.filter(|ports| !ports.is_empty()) {
            ports.push(json!({"name": "serve", "containerPort": 8000}));
        }
    }

    /// Whether an object says that it is of this kind.
    pub fn names(&self, object: Json<'_>) -> bool {
        text(object, "kind") == Some(self.name)
    }

    /// Whether this is the same kind as `other`.
    pub fn is(&self, other: &Kind) -> bool {
        self.name == other.name
    }

    /// Whether an object of this kind is suspended.
    pub fn is_suspended(&self, object: Json<'_>) -> bool {
        let mut fields = self.suspends.iter();
        fields.any(|keys| below(object, keys).as_bool() == Some(true))
    }

    /// Whether pods run that KubeRay built from a stored object of this kind.
    pub fn runs(&self, object: Json<'_>) -> bool {
        let has_cluster = || text(below(object, &["status"]), "rayClusterName").is_some_and(|name| !name.is_empty());
        !self.is_suspended(object)
            && match self.builds {
                Builds::Once => has_cluster(),
                Builds::Always => true,
                Builds::Never => false,
            }
    }

    /// Whether a change of a running object reaches its pods.
    pub fn is_rebuilt(&self) -> bool {
        self.builds == Builds::Always
    }

    /// Whether objects of this kind are only templates, from which KubeRay makes others.
    pub fn is_template(&self) -> bool {
        self.builds == Builds::Never
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
    /// of these objects, the pod templates, and the fields that suspend.
    pub fn levels(&self) -> impl Iterator<Item = (&'static [&'static str], Vec<&'static str>)> {
        let (cluster, job, suspends) = (self.cluster, self.job, self.suspends);
        (1..=cluster.len()).filter_map(move |depth| {
            let at = cluster.get(..depth)?;
            let mut others: Vec<&'static str> = match cluster.get(depth) {
                Some(next) => vec![*next],
                None => vec![HEAD, WORKERS],
            };
            if job == Some(at) {
                others.push(SUBMITTER);
            }
            let suspends = suspends.iter().filter_map(|keys| keys.split_last());
            others.extend(suspends.filter(|(_, above)| *above == at).map(|(key, _)| *key));
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
