//! What KubeRay posts to the API server for a Ray object: the pods, the submitter's Job, and the Service of the head.
//!
//! The API server sees them as KubeRay builds them, with two exceptions. The commands, and the values of the variables
//! that KubeRay adds, are abbreviated, because no validation reads them. What the operator's own configuration adds is not
//! known: sidecars, default variables, and the metadata of batch schedulers.
//!
//! `tests/kuberay_go.rs` compares the pods with those of KubeRay 1.6.2. Releases before 1.6 are built as 1.6.

mod cluster;
mod pod;
mod service;
mod submitter;
mod values;

use serde_json::Value;

use crate::k8s::json::{below, text};
use crate::k8s::path::{Path, Step};

use super::facts::pods_at_most;
use super::pod::{Pod, Role};
use super::version::KubeRay;
use super::workload::{K8S_JOB_MODE, SIDECAR_MODE, Workload};

pub use cluster::checked_name;
pub use service::own_ports;

use cluster::Cluster;
use pod::Built;

/// An object that KubeRay, or Kubernetes for the submitter's pod, posts.
#[derive(Debug)]
pub struct Posted {
    /// Its place in the API: `pods`, `services`, or `jobs` of the group `batch`.
    pub resource: &'static str,
    /// The pod that it belongs to, for messages: "head", "group `a`", "submitter".
    pub title: String,
    /// What it is, for messages: "pod", "Job", "Service".
    pub what: &'static str,
    /// The object.
    pub object: Value,
    /// Whether the service account of the pod is one that KubeRay makes before the pod.
    pub has_new_account: bool,
    /// Where the parts of the object come from; the first that covers a field counts.
    places: Vec<(Path, Path)>,
}

impl Posted {
    /// The field of the Ray object that a field of this object comes from, such as `spec.containers[0].env[1].name`.
    pub fn place(&self, field: &str) -> Path {
        let field = read(field);
        let origin = self.places.iter().find(|(part, _)| part.covers(&field));
        let Some((part, place)) = origin else {
            return Path::ROOT;
        };
        let below = field.steps().iter().skip(part.steps().len());
        below.fold(place.clone(), |path, step| match step {
            Step::Key(key) => path.name(key),
            Step::Index(index) => path.index(*index),
        })
    }
}

/// A field as Kubernetes names it: `spec.containers[0].resources.limits[nvidia.com/gpu]`.
fn read(field: &str) -> Path {
    let mut path = Path::ROOT;
    let mut rest = field;
    while !rest.is_empty() {
        if let Some((key, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            path = match key.parse() {
                Ok(index) => path.index(index),
                Err(_) => path.name(key),
            };
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let end = rest.find(['.', '[']).filter(|end| *end > 0).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        path = path.name(key);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    path
}

/// All that KubeRay posts for an object in `namespace`. `gates` are the feature gates that are set; the others have the
/// defaults of the release. Pods that are never built are left out: see [`is_built`].
pub fn posted(workload: &Workload<'_>, namespace: &str, release: KubeRay, gates: &[(String, bool)]) -> Vec<Posted> {
    let cluster = Cluster::of(workload, namespace, release, gates);
    let mode = workload.submission_mode();
    let has_job = workload.kind.has_job();
    let mut all = Vec::new();
    if !workload.selects_cluster() {
        for pod in workload.ray_pods().filter(|pod| is_built(workload, pod)) {
            let built = match pod.role {
                Role::Head => {
                    let is_sidecar = has_job && mode == SIDECAR_MODE;
                    pod::head(&cluster, is_sidecar.then(|| submitter::sidecar(&cluster)))
                }
                _ => pod::worker(&cluster, pod.group),
            };
            all.extend(built.map(|built| posted_pod(workload, pod, built)));
        }
        if let Some(head) = workload.head().filter(|head| head.main().is_some()) {
            let place = head.group_path().then_key("headService");
            let has_type =
                text(below(head.group, &["headService", "spec"]), "type").is_some_and(|kind| !kind.is_empty());
            let kind = (Path::of(["spec", "type"]), head.group_path().then_key("serviceType"));
            all.push(Posted {
                resource: "services",
                title: head.title(),
                what: "Service",
                object: service::head(&cluster),
                has_new_account: false,
                places: Some(kind)
                    .filter(|_| !has_type)
                    .into_iter()
                    .chain([(Path::ROOT, place)])
                    .collect(),
            });
        }
    }
    if has_job && mode == K8S_JOB_MODE {
        all.extend(posted_job(workload, &cluster));
    }
    all
}

fn posted_pod(workload: &Workload<'_>, pod: &Pod<'_>, built: Built) -> Posted {
    let mut places = Vec::new();
    for (index, name) in &built.added {
        let container = pod.everywhere().find(|container| container.name == *name);
        let place = container.map_or_else(|| pod.spec_path(), |container| pod.container_path(container));
        places.push((Path::of(["spec", "containers"]).index(*index), place));
    }
    let own = pod.init().count();
    let init = Path::of(["spec", "initContainers"]);
    let template = pod.spec_path().key("initContainers");
    let main = pod.spec_path().key("containers").index(0);
    if built.waits_for_head {
        let waiting = init.index(built.init_before + own);
        // Its name is KubeRay's, and a copy of it the author's.
        places.push((waiting.key("name"), template.clone()));
        places.push((waiting, main));
    }
    if built.init_before > 0 {
        places.push((init.index(0), workload.cluster_path("tlsOptions")));
        places.extend((0..own).map(|index| (init.index(index + built.init_before), template.index(index))));
    }
    places.push((Path::ROOT, pod.template_path()));
    Posted {
        resource: "pods",
        title: pod.title(),
        what: "pod",
        object: built.pod,
        has_new_account: built.has_new_account,
        places,
    }
}

/// The submitter's Job and the pod that Kubernetes makes of it.
fn posted_job(workload: &Workload<'_>, cluster: &Cluster<'_>) -> Vec<Posted> {
    let Some(job) = submitter::job(cluster, workload.spec) else {
        return Vec::new();
    };
    let template = workload.kind.submitter_path();
    let retries = workload.job_path("submitterConfig");
    let metadata = |key| {
        (
            Path::of(["spec", "template", key]),
            template.key("metadata").then_key(key),
        )
    };
    let of_job = vec![
        metadata("labels"),
        metadata("annotations"),
        (Path::of(["spec", "template"]), template.clone()),
        (Path::of(["spec"]), retries),
        (Path::ROOT, Path::ROOT),
    ];
    let pod = submitter::pod(&job).map(|pod| Posted {
        resource: "pods",
        title: Role::Submitter.name().to_owned(),
        what: "pod",
        object: pod,
        has_new_account: false,
        places: vec![(Path::ROOT, template)],
    });
    let job = Posted {
        resource: "jobs",
        title: Role::Submitter.name().to_owned(),
        what: "Job",
        object: job,
        has_new_account: false,
        places: of_job,
    };
    std::iter::once(job).chain(pod).collect()
}

/// Whether KubeRay ever builds a pod of the template. It does not without a container, for a group that may not grow, for a
/// cluster that is only selected, and for a submitter outside `K8sJobMode`.
pub fn is_built(workload: &Workload<'_>, pod: &Pod<'_>) -> bool {
    if !pod.main().is_some_and(|main| main.value.is_object()) {
        return false;
    }
    match pod.role {
        Role::Submitter => workload.submission_mode() == K8S_JOB_MODE,
        _ => !workload.selects_cluster() && pods_at_most(workload, pod) > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;

    #[test]
    fn a_field_of_a_pod_is_found_in_the_object() {
        let object = document!({"kind": "RayJob", "metadata": {"name": "train"}, "spec": {"rayClusterSpec": {
            "enableInTreeAutoscaling": true,
            "headGroupSpec": {"template": {"spec": {"containers": [{"name": "ray-head"}]}}},
            "workerGroupSpecs": [{"groupName": "a", "maxReplicas": 1, "template": {"spec": {
                "containers": [{"name": "ray-worker"}], "initContainers": [{"name": "copy"}],
            }}}],
        }}});
        let workload = Workload::of(object.root());
        let posted = posted(&workload, "team-a", KubeRay::V1_7, &[]);
        let place = |title: &str, field: &str| {
            let one = posted
                .iter()
                .find(|one| format!("{}: its {}", one.title, one.what) == title)
                .unwrap();
            one.place(field).to_string()
        };
        let head = "spec.rayClusterSpec.headGroupSpec";
        let worker = "spec.rayClusterSpec.workerGroupSpecs[0].template.spec";
        for (title, field, wanted) in [
            (
                "head: its pod",
                "spec.containers[0].ports[0].name",
                format!("{head}.template.spec.containers[0].ports[0].name"),
            ),
            (
                "head: its pod",
                "spec.containers[1].image",
                "spec.rayClusterSpec.autoscalerOptions.image".to_owned(),
            ),
            (
                "head: its Service",
                "metadata.name",
                format!("{head}.headService.metadata.name"),
            ),
            (
                "group `a`: its pod",
                "spec.initContainers[0].name",
                format!("{worker}.initContainers[0].name"),
            ),
            (
                "group `a`: its pod",
                "spec.initContainers[1].env[0]",
                format!("{worker}.containers[0].env[0]"),
            ),
            (
                "group `a`: its pod",
                "spec.containers[0].resources.limits[nvidia.com/gpu]",
                format!("{worker}.containers[0].resources.limits[\"nvidia.com/gpu\"]"),
            ),
            (
                "submitter: its Job",
                "spec.template.spec.volumes",
                "spec.submitterPodTemplate.spec.volumes".to_owned(),
            ),
            (
                "submitter: its Job",
                "spec.backoffLimit",
                "spec.submitterConfig.backoffLimit".to_owned(),
            ),
            (
                "submitter: its pod",
                "spec.volumes",
                "spec.submitterPodTemplate.spec.volumes".to_owned(),
            ),
        ] {
            assert_eq!(place(title, field), wanted, "{title} {field}");
        }
    }

    #[test]
    fn what_is_never_built_is_not_posted() {
        let titles = |object: &crate::json::Tree<'_>| -> Vec<String> {
            let workload = Workload::of(object.root());
            let all = posted(&workload, "team-a", KubeRay::V1_6, &[]);
            all.into_iter().map(|one| one.title).collect::<Vec<String>>()
        };
        let selects = document!({"kind": "RayJob", "spec": {
            "clusterSelector": {"ray.io/cluster": "a"}, "submissionMode": "HTTPMode",
            "rayClusterSpec": {"headGroupSpec": {"template": {"spec": {"containers": [{"name": "h"}]}}}},
        }});
        assert!(titles(&selects).is_empty());
        for strange in [
            document!(null),
            document!({"kind": "RayJob", "spec": {"submitterPodTemplate": {"spec": {"containers": ["x"]}}}}),
            document!({"kind": "RayCluster", "spec": {"headGroupSpec": {"template": []}}}),
        ] {
            let _ = titles(&strange);
        }
    }
}
