//! The shape of a RayJob: its pods and containers, found once and then read by every injector and check.
//!
//! KubeRay 1.6: `rayjob_types.go`, `raycluster_types.go`; container 0 is the Ray container whatever its name
//! (`common/pod.go`).

use std::sync::{LazyLock, OnceLock};

use serde_json::{Map, Value, json};

use crate::k8s::path::{Path, Step, step_into};
use crate::k8s::quantity::Quantity;
use crate::k8s::text::{quoted, truncated};

/// What a pod is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The head of the Ray cluster: always one pod.
    Head,
    /// A pod of a worker group.
    Worker,
    /// The pod that runs `ray job submit`.
    Submitter,
}

impl Role {
    /// The name that policies and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Role::Head => "head",
            Role::Worker => "worker",
            Role::Submitter => "submitter",
        }
    }
}

/// A RayJob, borrowed from its JSON. Fields of the wrong type read as absent.
#[derive(Debug)]
pub struct RayJob<'a> {
    /// The whole object.
    pub object: &'a Value,
    /// `spec`, null where it is missing.
    pub spec: &'a Value,
    /// `spec.rayClusterSpec`, where it is an object.
    pub cluster: Option<&'a Value>,
    /// The head, the worker groups in their order, the submitter: those whose template is there.
    pub pods: Vec<Pod<'a>>,
}

/// A pod template of a RayJob with its group.
#[derive(Debug)]
pub struct Pod<'a> {
    /// What the pod is for.
    pub role: Role,
    /// The position of its worker group, 0 for the head and the submitter.
    pub index: usize,
    /// `headGroupSpec`, the element of `workerGroupSpecs`, or `spec` for the submitter.
    pub group: &'a Value,
    /// The pod template.
    pub template: &'a Value,
    /// The template's `spec`, null where it is missing.
    pub spec: &'a Value,
    /// `containers`, then `initContainers`.
    pub containers: Vec<Container<'a>>,
    /// The other containers of the pod: `ephemeralContainers`, then those that KubeRay adds by the cluster's options.
    pub others: Vec<Container<'a>>,
}

/// Where a container comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `containers`.
    Main,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
    /// `autoscalerOptions`: KubeRay makes a container of it in an autoscaled head.
    Autoscaler,
    /// `historyServerOptions.collectorOptions`: KubeRay 1.7 makes a container of it in every pod that runs Ray.
    Collector,
}

/// A container of a pod template.
#[derive(Debug)]
pub struct Container<'a> {
    /// The container itself.
    pub value: &'a Value,
    /// Its name, empty where it has none.
    pub name: &'a str,
    /// Its position in its list.
    pub index: usize,
    /// Where it comes from.
    pub slot: Slot,
    /// `resources.requests`, sorted by key.
    pub requests: Vec<Resource<'a>>,
    /// `resources.limits`, sorted by key.
    pub limits: Vec<Resource<'a>>,
}

/// A container resource.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    /// The resource's name: `cpu`, `memory`, `nvidia.com/gpu`.
    pub key: &'a str,
    /// What stands there.
    pub value: &'a Value,
    quantity: OnceLock<Option<Quantity>>,
}

static NULL: Value = Value::Null;

/// What KubeRay's autoscaler container asks for where `autoscalerOptions.resources` is absent (KubeRay 1.7,
/// `common/pod.go`, `BuildAutoscalerContainer`).
static AUTOSCALER: LazyLock<Value> = LazyLock::new(|| {
    let block = json!({"cpu": "500m", "memory": "512Mi"});
    json!({"requests": block, "limits": block})
});

/// The longest quantity that a message repeats, in bytes; sane ones have a dozen.
const LONGEST_QUANTITY: usize = 40;

fn child<'a>(value: &'a Value, key: &str) -> &'a Value {
    value.get(key).unwrap_or(&NULL)
}

/// The elements of the array under `key`; none where it is missing or something else.
pub fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text under `key`, where it is text.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Takes `metadata.managedFields` away. Who set which field is the API server's own bookkeeping, of which a server never
/// reads anything, so that no rule may see it elsewhere.
pub fn forget_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

impl<'a> RayJob<'a> {
    /// The shape of `object`. Anything at all may stand in it.
    pub fn of(object: &'a Value) -> RayJob<'a> {
        let spec = child(object, "spec");
        let cluster = spec.get("rayClusterSpec").filter(|cluster| cluster.is_object());
        let groups = cluster.map_or(&[][..], |cluster| items(cluster, "workerGroupSpecs"));
        let autoscaler = cluster
            .filter(|cluster| autoscales(cluster))
            .map(|cluster| child(cluster, "autoscalerOptions"));
        let collector = cluster
            .and_then(|cluster| child(cluster, "historyServerOptions").get("collectorOptions"))
            .filter(|options| options.is_object());
        let collected = |mut pod: Pod<'a>| {
            pod.others.extend(collector.map(Container::collector));
            pod
        };
        let mut pods = Vec::with_capacity(groups.len() + 2);
        if let Some(head) = cluster
            .and_then(|cluster| cluster.get("headGroupSpec"))
            .filter(|head| head.is_object())
        {
            let mut head = collected(Pod::of(Role::Head, 0, head, child(head, "template")));
            head.others.extend(autoscaler.map(Container::autoscaler));
            pods.push(head);
        }
        pods.extend(
            groups
                .iter()
                .enumerate()
                .map(|(index, group)| collected(Pod::of(Role::Worker, index, group, child(group, "template")))),
        );
        if let Some(template) = spec.get("submitterPodTemplate").filter(|template| template.is_object()) {
            pods.push(Pod::of(Role::Submitter, 0, spec, template));
        }
        RayJob {
            object,
            spec,
            cluster,
            pods,
        }
    }

    /// `metadata.name`, or what the API server will begin it with.
    pub fn name(&self) -> &'a str {
        let metadata = child(self.object, "metadata");
        text(metadata, "name")
            .filter(|name| !name.is_empty())
            .or_else(|| text(metadata, "generateName"))
            .unwrap_or("")
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
                None | Some(Value::Null) => return nearest,
                Some(below) => at = below,
            }
        }
        path
    }

    /// A label of the RayJob.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        text(child(child(self.object, "metadata"), "labels"), key)
    }

    /// An annotation of the RayJob. KubeRay copies them all to the RayCluster.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        text(child(child(self.object, "metadata"), "annotations"), key)
    }

    /// A flag of `spec`, false where it is absent: `omitempty` hides a false.
    pub fn flag(&self, key: &str) -> bool {
        child(self.spec, key).as_bool().unwrap_or(false)
    }

    /// A whole number of `spec`, where it is one.
    pub fn number(&self, key: &str) -> Option<i64> {
        child(self.spec, key).as_i64()
    }

    /// What the driver asks of one Ray node, by `entrypointNumCpus` or `entrypointNumGpus`; 0 where it asks for nothing.
    pub fn driver_needs(&self, key: &str) -> f64 {
        child(self.spec, key).as_f64().unwrap_or(0.0)
    }

    /// `spec.submissionMode` with KubeRay's default.
    pub fn submission_mode(&self) -> &'a str {
        text(self.spec, "submissionMode")
            .filter(|mode| !mode.is_empty())
            .unwrap_or("K8sJobMode")
    }

    /// Whether an existing cluster is selected, which KubeRay then neither makes nor deletes.
    pub fn selects_cluster(&self) -> bool {
        child(self.spec, "clusterSelector")
            .as_object()
            .is_some_and(|selector| !selector.is_empty())
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

    /// The head and the worker groups: the pods that run Ray.
    pub fn ray_pods(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.pods.iter().filter(|pod| pod.role != Role::Submitter)
    }

    /// The submitter, where a template for it is given.
    pub fn submitter(&self) -> Option<&Pod<'a>> {
        self.pods.iter().find(|pod| pod.role == Role::Submitter)
    }
}

impl<'a> Pod<'a> {
    fn of(role: Role, index: usize, group: &'a Value, template: &'a Value) -> Pod<'a> {
        let spec = child(template, "spec");
        let all = |slot: Slot, list| {
            let values = items(spec, list).iter().enumerate();
            values.map(move |(index, value)| Container::of(value, child(value, "resources"), index, slot))
        };
        let main = all(Slot::Main, "containers");
        let containers = main.chain(all(Slot::Init, "initContainers")).collect();
        Pod {
            role,
            index,
            group,
            template,
            spec,
            containers,
            others: all(Slot::Ephemeral, "ephemeralContainers").collect(),
        }
    }

    /// Where the group stands; `spec` for the submitter.
    pub fn group_path(&self) -> Path {
        match self.role {
            Role::Head => Path::of(["spec", "rayClusterSpec", "headGroupSpec"]),
            Role::Worker => Path::of(["spec", "rayClusterSpec", "workerGroupSpecs"]).then_index(self.index),
            Role::Submitter => Path::of(["spec"]),
        }
    }

    /// Where the pod template stands.
    pub fn template_path(&self) -> Path {
        match self.role {
            Role::Submitter => Path::of(["spec", "submitterPodTemplate"]),
            _ => self.group_path().then_key("template"),
        }
    }

    /// Where the template's `spec` stands.
    pub fn spec_path(&self) -> Path {
        self.template_path().then_key("spec")
    }

    /// Where a container of this pod stands.
    pub fn container_path(&self, container: &Container<'_>) -> Path {
        let list = match container.slot {
            Slot::Main => "containers",
            Slot::Init => "initContainers",
            Slot::Ephemeral => "ephemeralContainers",
            Slot::Autoscaler => return Path::of(["spec", "rayClusterSpec", "autoscalerOptions"]),
            Slot::Collector => {
                return Path::of(["spec", "rayClusterSpec", "historyServerOptions", "collectorOptions"]);
            }
        };
        self.spec_path().then_key(list).then_index(container.index)
    }

    /// `groupName` of a worker group; `head` and `submitter` for the others.
    pub fn group_name(&self) -> &'a str {
        match self.role {
            Role::Worker => text(self.group, "groupName").unwrap_or(""),
            role => role.name(),
        }
    }

    /// How a message speaks of this pod: "head", "group `gpu-workers`", "submitter".
    pub fn title(&self) -> String {
        match self.role {
            Role::Worker if self.group_name().is_empty() => format!("worker group {}", self.index + 1),
            Role::Worker => format!("group {}", quoted(self.group_name())),
            role => role.name().to_owned(),
        }
    }

    /// The container that KubeRay takes for Ray's, or the submitter's: the first.
    pub fn main(&self) -> Option<&Container<'a>> {
        self.containers.first().filter(|container| container.slot == Slot::Main)
    }

    /// The containers that run beside each other, without the init containers.
    pub fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| container.slot == Slot::Main)
    }

    /// The init containers, in their order.
    pub fn init(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| container.slot == Slot::Init)
    }

    /// Every container that the pod has or may get. The collector, which all pods share, stands in the head alone.
    pub fn everywhere(&self) -> impl Iterator<Item = &Container<'a>> {
        let others = self.others.iter();
        let here = others.filter(|other| other.slot != Slot::Collector || self.role == Role::Head);
        self.containers.iter().chain(here)
    }

    /// The name of the pod's service account: `serviceAccountName`, else its deprecated alias `serviceAccount`, as
    /// Kubernetes reads them (`pkg/apis/core/v1/conversion.go`).
    pub fn service_account(&self) -> Option<(&'static str, &'a str)> {
        let named = |key| Some((key, text(self.spec, key).filter(|name| !name.is_empty())?));
        named("serviceAccountName").or_else(|| named("serviceAccount"))
    }

    /// `rayStartParams`.
    pub fn start_params(&self) -> Option<&'a Map<String, Value>> {
        child(self.group, "rayStartParams").as_object()
    }

    /// A start parameter, where it is text.
    pub fn start_param(&self, key: &str) -> Option<&'a str> {
        self.start_params()?.get(key)?.as_str()
    }

    /// A volume of the pod.
    pub fn volume(&self, name: &str) -> Option<(usize, &'a Value)> {
        items(self.spec, "volumes")
            .iter()
            .enumerate()
            .find(|(_, volume)| text(volume, "name") == Some(name))
    }

    /// Whether the pod has resources for all its containers together (Kubernetes 1.32 and later, `spec.resources`).
    pub fn has_own_resources(&self) -> bool {
        let blocks = child(self.spec, "resources").as_object();
        blocks.is_some_and(|blocks| {
            ["requests", "limits"]
                .iter()
                .filter_map(|block| blocks.get(*block)?.as_object())
                .any(|block| !block.is_empty())
        })
    }

    /// A whole number of the worker group, or `absent`.
    pub fn group_number(&self, key: &str, absent: i64) -> i64 {
        child(self.group, key).as_i64().unwrap_or(absent)
    }
}

impl<'a> Container<'a> {
    fn of(value: &'a Value, resources: &'a Value, index: usize, slot: Slot) -> Container<'a> {
        Container {
            value,
            name: text(value, "name").unwrap_or(""),
            index,
            slot,
            requests: Resource::all(child(resources, "requests")),
            limits: Resource::all(child(resources, "limits")),
        }
    }

    /// The autoscaler that KubeRay adds to the head, by its options.
    fn autoscaler(options: &'a Value) -> Container<'a> {
        let resources = options.get("resources").filter(|resources| !resources.is_null());
        Container {
            name: "autoscaler",
            ..Container::of(options, resources.unwrap_or(&AUTOSCALER), 0, Slot::Autoscaler)
        }
    }

    /// What is requested of `key`.
    pub fn request(&self, key: &str) -> Option<&Resource<'a>> {
        Resource::find(&self.requests, key)
    }

    /// The limit for `key`.
    pub fn limit(&self, key: &str) -> Option<&Resource<'a>> {
        Resource::find(&self.limits, key)
    }

    /// Each resource that the container asks for, once: its limits, and the requests that have none.
    pub fn asked(&self) -> impl Iterator<Item = &Resource<'a>> {
        let unlimited = self.requests.iter().filter(|request| self.limit(request.key).is_none());
        self.limits.iter().chain(unlimited)
    }

    /// The history server's collector, by its options.
    fn collector(options: &'a Value) -> Container<'a> {
        Container {
            name: "ray-history-collector",
            ..Container::of(options, child(options, "resources"), 0, Slot::Collector)
        }
    }

    /// Each resource that the scheduler reserves for the container, once: its requests, and the limits that have none,
    /// because Kubernetes takes an absent request from the limit.
    pub fn reserved(&self) -> impl Iterator<Item = &Resource<'a>> {
        let unrequested = self.limits.iter().filter(|limit| self.request(limit.key).is_none());
        self.requests.iter().chain(unrequested)
    }

    /// What the container will be given of `key`: Kubernetes takes an absent request from the limit.
    pub fn given(&self, key: &str) -> Option<&Quantity> {
        self.request(key)
            .or_else(|| self.limit(key))
            .and_then(Resource::quantity)
    }

    /// The most that the container may use of `key`: its limit, else its request.
    pub fn ceiling(&self, key: &str) -> Option<&Quantity> {
        self.limit(key)
            .or_else(|| self.request(key))
            .and_then(Resource::quantity)
    }

    /// The variable of `env` with this name; the last of several, as in Kubernetes.
    pub fn env(&self, name: &str) -> Option<&'a Value> {
        items(self.value, "env")
            .iter()
            .rfind(|variable| text(variable, "name") == Some(name))
    }

    /// The volume mount whose path, however it is spelled, is `path`, with its position.
    pub fn mount_at(&self, path: &str) -> Option<(usize, &'a Value)> {
        items(self.value, "volumeMounts")
            .iter()
            .enumerate()
            .find(|(_, mount)| text(mount, "mountPath").is_some_and(|given| same_path(given, path)))
    }
}

impl<'a> Resource<'a> {
    /// The resources of a block, `requests` or `limits`, sorted by key.
    pub fn all(resources: &'a Value) -> Vec<Resource<'a>> {
        let Some(resources) = resources.as_object() else {
            return Vec::new();
        };
        let mut all: Vec<Resource<'a>> = resources
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| Resource {
                key,
                value,
                quantity: OnceLock::new(),
            })
            .collect();
        all.sort_unstable_by_key(|resource| resource.key);
        all
    }

    fn find<'r>(sorted: &'r [Resource<'a>], key: &str) -> Option<&'r Resource<'a>> {
        let at = sorted.binary_search_by_key(&key, |resource| resource.key).ok()?;
        sorted.get(at)
    }

    /// Its quantity, where Kubernetes could read it.
    pub fn quantity(&self) -> Option<&Quantity> {
        let read = || Quantity::from_json(self.value).ok();
        self.quantity.get_or_init(read).as_ref()
    }

    /// What was written, as text, cut to the length of a quantity.
    pub fn seen(&self) -> String {
        match self.value.as_str() {
            Some(text) => truncated(text, LONGEST_QUANTITY).into_owned(),
            None => truncated(&self.value.to_string(), LONGEST_QUANTITY).into_owned(),
        }
    }
}

fn autoscales(cluster: &Value) -> bool {
    child(cluster, "enableInTreeAutoscaling").as_bool() == Some(true)
}

/// Whether two absolute paths name the same place: `/dev//shm/` is `/dev/shm`.
pub fn same_path(a: &str, b: &str) -> bool {
    let parts = |path| str::split(path, '/').filter(|part| !part.is_empty() && *part != ".");
    a.starts_with('/') == b.starts_with('/') && parts(a).eq(parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_every_pod_and_survives_anything() {
        let object = json!({"spec": {
            "rayClusterSpec": {
                "headGroupSpec": {"template": {"spec": {"containers": [{"name": "ray-head"}], "initContainers": [{}]}}},
                "workerGroupSpecs": [{"groupName": "a"}, 7, {"groupName": "b", "template": {"spec": []}}],
            },
            "submitterPodTemplate": {"spec": {"containers": "none"}},
        }});
        let job = RayJob::of(&object);
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
            assert!(RayJob::of(&strange).pods.is_empty());
        }
    }

    #[test]
    fn what_is_missing_is_pointed_at_where_it_begins() {
        let object = json!({"spec": {"a": {"b": null}, "c": 3}});
        let job = RayJob::of(&object);
        for (path, nearest) in [
            (Path::of(["spec", "a", "b", "x", "y"]), "spec.a.b"),
            (Path::of(["spec", "c", "x", "y"]), "spec.c.x"),
            (Path::of(["spec", "a"]), "spec.a"),
        ] {
            let found = job.nearest(path);
            assert_eq!(found.to_string(), nearest);
            assert!(found.reaches(&object));
        }
    }

    #[test]
    fn a_null_resource_is_none_and_the_others_are_found_by_key() {
        let object = json!({"spec": {"submitterPodTemplate": {"spec": {"containers": [{"resources": {
            "limits": {"memory": null, "cpu": "1", "nvidia.com/gpu": 2}, "requests": {"cpu": "2", "ephemeral-storage": "1Gi"},
        }}]}}}});
        let job = RayJob::of(&object);
        let container = job.submitter().and_then(Pod::main).unwrap();
        assert!(container.limit("memory").is_none());
        assert_eq!(container.limit("nvidia.com/gpu").unwrap().seen(), "2");
        let asked: Vec<&str> = container.asked().map(|resource| resource.key).collect();
        assert_eq!(asked, ["cpu", "nvidia.com/gpu", "ephemeral-storage"]);
    }

    #[test]
    fn a_mount_is_found_however_its_path_is_spelled() {
        assert!(same_path("/dev//shm/", "/dev/shm"));
        assert!(same_path("/dev/./shm", "/dev/shm"));
        assert!(!same_path("dev/shm", "/dev/shm"));
        assert!(!same_path("/dev/shm2", "/dev/shm"));
    }
}
