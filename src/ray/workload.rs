//! The model of a Ray object: its cluster, its job and the pods that KubeRay makes of them.
//!
//! [`Workload::of`] reads an object of any kind once. Injectors, checks, limits and expressions read only this model.

use std::sync::OnceLock;

use crate::json::{Json, Tree};
use crate::k8s::json::{child, given, items, text};
use crate::k8s::path::{Path, Step, step_into};

use super::container::{Container, DEFAULT_SUBMITTER, Slot, WAIT_FOR_HEAD};
use super::go_yaml;
use super::kind::{HEAD, Kind, RAY_CLUSTER, RAY_SERVICE, SERVE_CONFIG, SUBMITTER, WORKERS};
use super::place::Place;
use super::pod::{Pod, Role};
use super::runtime_env;
use super::serve_config::{self, Amounts, ServeConfig};

/// Takes `metadata.managedFields` away. Who set which field is the API server's own bookkeeping, of which a server never
/// reads anything, so that no rule may see it elsewhere.
pub fn forget_managed_fields(object: &mut Tree<'_>) {
    if let Some(metadata) = object.root_mut().key("metadata") {
        metadata.remove("managedFields");
    }
}

/// The label that puts an object into a queue of Kueue.
pub const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";

/// The name of KubeRay in `managedBy` (KubeRay 1.7, `utils/constant.go`, `KubeRayController`).
pub const KUBERAY: &str = "ray.io/kuberay-operator";

/// The label of a RayJob with the name of the RayCronJob that it is made from (KubeRay 1.7, `utils/constant.go`).
pub const CRON_JOB_LABEL: &str = "ray.io/cronjob-name";
/// How a RayJob is submitted: by a pod of its own, KubeRay's default.
pub const K8S_JOB_MODE: &str = "K8sJobMode";
/// How a RayJob is submitted: by a container in the head pod.
pub const SIDECAR_MODE: &str = "SidecarMode";

/// A Ray object, borrowed from its JSON. Fields of the wrong type read as absent.
#[derive(Debug)]
pub struct Workload<'a> {
    /// Its kind.
    pub kind: &'static Kind,
    /// The whole object.
    pub object: Json<'a>,
    /// The RayJobSpec, null where it is missing and for a kind without a job.
    pub spec: Json<'a>,
    /// The RayClusterSpec, where it is an object.
    pub cluster: Option<Json<'a>>,
    /// The head, the worker groups in their order, the submitter: those whose template is there.
    pub pods: Vec<Pod<'a>>,
    /// The submitter pod that KubeRay makes where the object has no template for it.
    pub default_submitter: Option<Pod<'a>>,
    /// What [`Workload::runtime_env`] has read.
    runtime_env: OnceLock<Option<go_yaml::Outcome>>,
    /// What [`Workload::serve_config`] has read.
    serve_config: OnceLock<Option<ServeConfig>>,
}

impl<'a> Workload<'a> {
    /// The model of `object`, which may be any JSON.
    pub fn of(object: Json<'a>) -> Workload<'a> {
        let kind = Kind::of(object);
        let spec = kind.job(object);
        let cluster = Some(kind.cluster(object)).filter(|cluster| cluster.is_object());
        let mut workload = Workload {
            kind,
            object,
            spec,
            cluster,
            pods: Vec::new(),
            default_submitter: None,
            runtime_env: OnceLock::new(),
            serve_config: OnceLock::new(),
        };
        workload.pods = cluster.map(|cluster| workload.ray_pods_of(cluster)).unwrap_or_default();
        let submitter = |template| Pod::of(kind, Role::Submitter, 0, spec, template);
        match spec.get(SUBMITTER).filter(|template| template.is_object()) {
            Some(template) => workload.pods.push(submitter(template)),
            None if kind.has_job() && workload.submission_mode() == K8S_JOB_MODE => {
                let mut pod = submitter(Json::NULL);
                pod.kuberays = Some(&DEFAULT_SUBMITTER);
                workload.default_submitter = Some(pod);
            }
            None => {}
        }
        workload
    }

    /// The head and the worker groups of a RayClusterSpec.
    fn ray_pods_of(&self, cluster: Json<'a>) -> Vec<Pod<'a>> {
        let groups = items(cluster, WORKERS);
        let collector = child(cluster, "historyServerOptions")
            .get("collectorOptions")
            .filter(|options| options.is_object());
        let pod = |role, index, group| {
            let mut pod = Pod::of(self.kind, role, index, group, child(group, "template"));
            pod.others.extend(collector.map(Container::collector));
            pod
        };
        let mut pods = Vec::with_capacity(groups.len() + 2);
        if let Some(head) = cluster.get(HEAD).filter(|head| head.is_object()) {
            let mut head = pod(Role::Head, 0, head);
            if autoscales(cluster) {
                head.others
                    .push(Container::autoscaler(child(cluster, "autoscalerOptions")));
                // The account has the name of the RayCluster, and KubeRay uses one that exists (KubeRay 1.7, `utils/util.go`,
                // `GetHeadGroupServiceAccountName`). Of other kinds, KubeRay makes up the cluster's name.
                head.given_account = Some(self.name()).filter(|name| self.kind.is(&RAY_CLUSTER) && !name.is_empty());
            }
            if self.submission_mode() == SIDECAR_MODE {
                head.kuberays = Some(&DEFAULT_SUBMITTER);
            }
            pods.push(head);
        }
        pods.extend(groups.iter().enumerate().map(|(index, group)| {
            let mut worker = pod(Role::Worker, index, group);
            worker.kuberays = Some(&WAIT_FOR_HEAD);
            worker
        }));
        pods
    }

    /// Every place of the object that can hold a container, an image, a device, a volume or a privilege, once: the pods in
    /// their order, each with its containers and volumes, the runtime environment, and the Serve config.
    pub fn places(&self) -> impl Iterator<Item = Place<'_, 'a>> {
        let pods = self.all_pods();
        let environment = text(self.spec, "runtimeEnvYAML").filter(|text| !runtime_env::is_blank(text));
        let environment = environment.map(|text| Place::RuntimeEnv(self.kind, text));
        // The pods share the collector, so it is a place of the head alone.
        let is_once = |place: &Place<'_, '_>| {
            !matches!(place, Place::Container(pod, container)
                if container.slot == Slot::Collector && pod.role != Role::Head)
        };
        let config = self.written_serve_config().filter(|text| !runtime_env::is_blank(text));
        let config = config.map(Place::ServeConfig);
        pods.flat_map(Pod::places)
            .filter(is_once)
            .chain(environment)
            .chain(config)
    }

    /// Where a field of the RayJobSpec is.
    pub fn job_path(&self, key: &'static str) -> Path {
        self.kind.job_path().then_key(key)
    }

    /// Where a field of the RayClusterSpec is.
    pub fn cluster_path(&self, key: &'static str) -> Path {
        self.kind.cluster_path().then_key(key)
    }

    /// A field of the RayClusterSpec, unless it is missing or null.
    pub fn cluster_field(&self, key: &str) -> Option<Json<'a>> {
        given(self.cluster?, key)
    }

    /// `metadata.name`, or what the API server will begin it with.
    pub fn name(&self) -> &'a str {
        let metadata = child(self.object, "metadata");
        text(metadata, "name")
            .filter(|name| !name.is_empty())
            .or_else(|| text(metadata, "generateName"))
            .unwrap_or("")
    }

    /// The RayCronJob that this is, or that made this RayJob: KubeRay labels it (KubeRay 1.7, `raycronjob_controller.go`,
    /// `constructRayJob`). Empty for others. The label is the author's word.
    pub fn cron_job(&self) -> &'a str {
        if self.kind.is_template() {
            return self.name();
        }
        let label = self.label(CRON_JOB_LABEL);
        label.filter(|_| self.kind.has_job()).unwrap_or_default()
    }

    /// `path` as far as the object has it and one step more, so that a finding of something missing points at the
    /// outermost field that is missing. What is null is missing too.
    pub fn nearest(&self, path: Path) -> Path {
        let mut at = self.object;
        let mut nearest = Path::ROOT;
        for step in path.steps() {
            nearest = match step {
                Step::Key(key) => nearest.name(key),
                Step::Index(index) => nearest.index(*index),
            };
            match step_into(at, step) {
                Some(below) if !below.is_null() => at = below,
                _ => return nearest,
            }
        }
        path
    }

    /// A label of the object.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        text(child(child(self.object, "metadata"), "labels"), key)
    }

    /// An annotation of the object.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        text(child(child(self.object, "metadata"), "annotations"), key)
    }

    /// An annotation that KubeRay finds on the RayCluster: it copies those of most kinds.
    pub fn cluster_annotation(&self, key: &str) -> Option<&'a str> {
        self.annotation(key).filter(|_| self.kind.hands_on_metadata)
    }

    /// A flag of the RayJobSpec, false where it is absent: `omitempty` hides a false.
    pub fn flag(&self, key: &str) -> bool {
        child(self.spec, key).as_bool().unwrap_or(false)
    }

    /// A whole number of the RayJobSpec, where it is one.
    pub fn number(&self, key: &str) -> Option<i64> {
        child(self.spec, key).as_i64()
    }

    /// What the driver asks of one Ray node, by `entrypointNumCpus` or `entrypointNumGpus`; 0 where it asks for nothing.
    pub fn driver_needs(&self, key: &str) -> f64 {
        child(self.spec, key).as_f64().unwrap_or(0.0)
    }

    /// The most CPUs, GPUs and bytes of memory that the object asks of one Ray node: for its driver, or for a replica of
    /// its `serveConfigV2`. What raygate gives a pod must not be less where Ray counts the node's without it.
    pub fn asks_of_a_node(&self) -> Amounts {
        let [cpus, gpus, memory] = self.serve_config().map(ServeConfig::most_of_a_node).unwrap_or_default();
        [
            cpus.max(self.driver_needs("entrypointNumCpus")),
            gpus.max(self.driver_needs("entrypointNumGpus")),
            memory,
        ]
    }

    /// `submissionMode` with KubeRay's default.
    pub fn submission_mode(&self) -> &'a str {
        text(self.spec, "submissionMode")
            .filter(|mode| !mode.is_empty())
            .unwrap_or(K8S_JOB_MODE)
    }

    /// Whether an existing cluster is selected, which KubeRay then neither makes nor deletes.
    pub fn selects_cluster(&self) -> bool {
        child(self.spec, "clusterSelector")
            .as_object()
            .is_some_and(|selector| !selector.is_empty())
    }

    /// What KubeRay makes of the `runtimeEnvYAML` of a job; `None` where it is missing.
    pub fn runtime_env(&self) -> Option<&go_yaml::Outcome> {
        let read = || text(self.spec, "runtimeEnvYAML").map(|text| go_yaml::read(text, &runtime_env::LIMITS));
        self.runtime_env.get_or_init(read).as_ref()
    }

    /// What the `serveConfigV2` of a RayService says; `None` where it is missing and for other kinds.
    pub fn serve_config(&self) -> Option<&ServeConfig> {
        let read = || self.written_serve_config().map(serve_config::read);
        self.serve_config.get_or_init(read).as_ref()
    }

    /// The text of the `serveConfigV2` of a RayService; `None` where it is missing and for other kinds.
    pub fn written_serve_config(&self) -> Option<&'a str> {
        let spec = Some(child(self.object, "spec")).filter(|_| self.kind.is(&RAY_SERVICE))?;
        text(spec, SERVE_CONFIG)
    }

    /// The queue of Kueue that the object is in. An empty label names none.
    pub fn queue(&self) -> Option<&'a str> {
        self.label(QUEUE_LABEL).filter(|queue| !queue.is_empty())
    }

    /// Whether Kueue scales the object by slices of its Workload.
    pub fn is_elastic(&self) -> bool {
        self.annotation("kueue.x-k8s.io/elastic-job") == Some("true")
    }

    /// Whether KubeRay leaves the object, or its RayCluster, to another controller, by `managedBy`: then it creates no pods
    /// in this cluster (KubeRay 1.3 and later, `utils/util.go`, `ManagedByExternalController`).
    pub fn runs_elsewhere(&self) -> bool {
        let specs = [Some(child(self.object, "spec")), Some(self.spec), self.cluster];
        let mut managers = specs.into_iter().flatten().filter_map(|spec| text(spec, "managedBy"));
        managers.any(|name| !name.is_empty() && name != KUBERAY)
    }

    /// Whether Ray's autoscaler runs in the head pod.
    pub fn autoscales(&self) -> bool {
        self.cluster.is_some_and(autoscales)
    }

    /// The head pod.
    pub fn head(&self) -> Option<&Pod<'a>> {
        self.pods.iter().find(|pod| pod.role == Role::Head)
    }

    /// The worker groups.
    pub fn workers(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().filter(|pod| pod.role == Role::Worker)
    }

    /// Every pod that KubeRay makes: those of the object's templates, and its own submitter.
    pub fn all_pods(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().chain(&self.default_submitter)
    }

    /// The head and the worker groups: the pods that run Ray.
    pub fn ray_pods(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().filter(|pod| pod.role != Role::Submitter)
    }

    /// The submitter, where a template for it is given.
    pub fn submitter(&self) -> Option<&Pod<'a>> {
        self.pods.iter().find(|pod| pod.role == Role::Submitter)
    }
}

fn autoscales(cluster: Json<'_>) -> bool {
    child(cluster, "enableInTreeAutoscaling").as_bool() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::document;
    use serde_json::json;

    #[test]
    fn finds_every_pod_and_survives_anything() {
        let object = document!({"spec": {
            "rayClusterSpec": {
                "headGroupSpec": {"template": {"spec": {"containers": [{"name": "ray-head"}], "initContainers": [{}]}}},
                "workerGroupSpecs": [{"groupName": "a"}, 7, {"groupName": "b", "template": {"spec": []}}],
            },
            "submitterPodTemplate": {"spec": {"containers": "none"}},
        }});
        let job = Workload::of(object.root());
        let titles: Vec<String> = job.pods.iter().map(Pod::title).collect();
        assert_eq!(
            titles,
            ["head", "group `a`", "worker group 2", "group `b`", "submitter"]
        );
        for strange in [
            json!(null),
            json!([1]),
            json!({"spec": 3}),
            json!({"spec": {"rayClusterSpec": []}}),
        ] {
            assert!(Workload::of(Tree::of(&strange).unwrap().root()).pods.is_empty());
        }
    }

    #[test]
    fn what_is_missing_is_pointed_at_where_it_begins() {
        let object = document!({"spec": {"a": {"b": null}, "c": 3}});
        let job = Workload::of(object.root());
        for (path, nearest) in [
            (Path::of(["spec", "a", "b", "x", "y"]), "spec.a.b"),
            (Path::of(["spec", "c", "x", "y"]), "spec.c.x"),
            (Path::of(["spec", "a"]), "spec.a"),
        ] {
            let found = job.nearest(path);
            assert_eq!(found.to_string(), nearest);
            assert!(found.reaches(object.root()));
        }
    }

    #[test]
    fn a_null_resource_is_none_and_the_others_are_found_by_key() {
        let object = document!({"spec": {"submitterPodTemplate": {"spec": {"containers": [{"resources": {
            "limits": {"memory": null, "cpu": "1", "nvidia.com/gpu": 2}, "requests": {"cpu": "2", "ephemeral-storage": "1Gi"},
        }}]}}}});
        let job = Workload::of(object.root());
        let container = job.submitter().and_then(Pod::main).unwrap();
        assert!(container.limit("memory").is_none());
        assert_eq!(container.limit("nvidia.com/gpu").unwrap().seen(), "2");
        let asked: Vec<&str> = container.asked().map(|resource| resource.key).collect();
        assert_eq!(asked, ["cpu", "nvidia.com/gpu", "ephemeral-storage"]);
    }
}
