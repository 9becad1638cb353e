//! The RayJobs of `tests/rayjobs`, and where their parts are.

use std::fs;
use std::path::Path;

use raygate::json::Tree;
use raygate::ray::kind::{Kind, RAY_JOB};
use serde_json::{Value, json};

/// The resource of a GPU.
pub(crate) const NVIDIA: &str = "nvidia.com/gpu";

/// One kind of pod that KubeRay makes from a RayJob.
pub(crate) struct PodKind<'a> {
    /// `head`, `submitter`, or the name of the worker group.
    pub(crate) role: &'a str,
    pub(crate) template: &'a Value,
}

impl PodKind<'_> {
    /// The container that runs Ray, or the submission: KubeRay takes the first one.
    pub(crate) fn container(&self) -> &Value {
        &self.template["spec"]["containers"][0]
    }

    pub(crate) fn wants_gpu(&self) -> bool {
        ["requests", "limits"]
            .iter()
            .any(|side| !self.container()["resources"][side][NVIDIA].is_null())
    }

    /// The tolerations of the NVIDIA taint.
    pub(crate) fn gpu_tolerations(&self) -> Vec<&Value> {
        let tolerations = self.template["spec"]["tolerations"].as_array();
        tolerations
            .into_iter()
            .flatten()
            .filter(|it| it["key"] == NVIDIA)
            .collect()
    }
}

/// All RayJobs of `tests/rayjobs` as Flyte posts them, with their file names, sorted.
pub(crate) fn all() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let files = fs::read_dir(&folder)
        .expect("list tests/rayjobs")
        .map(|entry| entry.expect("read an entry").path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    let jobs: Vec<_> = files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).expect("read a RayJob");
            let name = file.file_stem().expect("a file name").to_string_lossy().into_owned();
            (name, serde_json::from_str(&text).expect("parse a RayJob"))
        })
        .collect();
    assert!(!jobs.is_empty(), "no RayJobs in {}", folder.display());
    jobs
}

/// The RayJob of the file whose name starts with `prefix`, such as `seed-02`.
pub(crate) fn load(prefix: &str) -> Value {
    let found = all().into_iter().find(|(file, _)| file.starts_with(prefix));
    found
        .unwrap_or_else(|| panic!("no file tests/rayjobs/{prefix}*.json"))
        .1
}

pub(crate) fn name(job: &Value) -> &str {
    job["metadata"]["name"].as_str().expect("a RayJob's name")
}

pub(crate) fn named(mut job: Value, name: &str) -> Value {
    job["metadata"]["name"] = json!(name);
    job
}

/// The kinds of pod of a RayJob: head, worker groups in order, submitter.
pub(crate) fn ray_pods(job: &Value) -> Vec<PodKind<'_>> {
    let cluster = &job["spec"]["rayClusterSpec"];
    let groups = cluster["workerGroupSpecs"].as_array().into_iter().flatten();
    let mut pods = vec![PodKind {
        role: "head",
        template: &cluster["headGroupSpec"]["template"],
    }];
    pods.extend(groups.map(|group| PodKind {
        role: group["groupName"].as_str().expect("a group's name"),
        template: &group["template"],
    }));
    pods
}

/// The pod that submits the job to the Ray cluster.
pub(crate) fn submitter(job: &Value) -> PodKind<'_> {
    PodKind {
        role: "submitter",
        template: &job["spec"]["submitterPodTemplate"],
    }
}

/// One kind of pod by its role.
pub(crate) fn ray_pod<'a>(job: &'a Value, role: &str) -> PodKind<'a> {
    ray_pods(job)
        .into_iter()
        .find(|pod| pod.role == role)
        .unwrap_or_else(|| panic!("no {role} in {}", name(job)))
}

/// A RayJob that no policy can repair: two worker groups of the same name, which KubeRay refuses.
pub(crate) fn with_duplicate_group(job: Value) -> Value {
    with_duplicate_group_of(&RAY_JOB, job)
}

/// The same of another kind.
pub(crate) fn with_duplicate_group_of(kind: &Kind, mut object: Value) -> Value {
    let groups = groups_mut(kind, &mut object);
    groups.push(groups[0].clone());
    object
}

/// A RayJob as an object of another kind.
pub(crate) fn as_kind(kind: &Kind, job: &Value) -> Value {
    kind.from_job(Tree::of(job).expect("a document").root())
}

/// The worker groups of an object.
pub(crate) fn groups<'v>(kind: &Kind, object: &'v Value) -> &'v Vec<Value> {
    let groups = object.pointer(&kind.groups_path().pointer());
    groups.and_then(Value::as_array).expect("worker groups")
}

pub(crate) fn groups_mut<'v>(kind: &Kind, object: &'v mut Value) -> &'v mut Vec<Value> {
    let groups = object.pointer_mut(&kind.groups_path().pointer());
    groups.and_then(Value::as_array_mut).expect("worker groups")
}

/// The smallest RayJob that the API accepts.
pub(crate) fn minimal(name: &str) -> Value {
    let pod = json!({"spec": {"containers": [{"name": "ray", "image": "rayproject/ray:2.52.1"}]}});
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "python main.py",
            "rayClusterSpec": {
                "headGroupSpec": {"rayStartParams": {}, "template": pod},
                "workerGroupSpecs": [{"groupName": "workers", "rayStartParams": {}, "template": pod}],
            },
        },
    })
}
