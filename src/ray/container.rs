//! The containers of a pod and the resources they ask for.
//!
//! KubeRay 1.7, `common/pod.go` and `common/job.go`.

use std::collections::HashSet;
use std::sync::{LazyLock, OnceLock};

use serde_json::{Value, json};

use crate::diag::truncated;
use crate::json::{Json, Tree};
use crate::k8s::json::{child, items, text};
use crate::k8s::quantity::Quantity;

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
    /// The last init container of every worker, which waits for the head: KubeRay's own.
    WaitForHead,
    /// The container that runs `ray job submit` where no template is given for it: KubeRay's own.
    DefaultSubmitter,
}

impl Slot {
    /// Whether KubeRay makes the container. It has an image for it.
    pub fn is_kuberays(self) -> bool {
        !matches!(self, Slot::Main | Slot::Init | Slot::Ephemeral)
    }
}

/// A container of a pod template.
#[derive(Debug)]
pub struct Container<'a> {
    /// The container itself.
    pub value: Json<'a>,
    /// Its name, empty where it has none.
    pub name: &'a str,
    /// Its position in its list.
    pub index: usize,
    /// Where it comes from.
    pub slot: Slot,
    /// Its `resources`, or those that KubeRay gives it.
    pub resources: Json<'a>,
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
    pub value: Json<'a>,
    quantity: OnceLock<Option<Quantity>>,
}

/// What KubeRay's autoscaler container asks for where `autoscalerOptions.resources` is absent (KubeRay 1.7,
/// `common/pod.go`, `BuildAutoscalerContainer`).
static AUTOSCALER: LazyLock<Tree<'static>> = LazyLock::new(|| {
    let block = json!({"cpu": "500m", "memory": "512Mi"});
    constant(&json!({"requests": block, "limits": block}))
});

/// What the history server's collector asks for where `collectorOptions.resources` is absent (KubeRay 1.7,
/// `common/pod.go`, `BuildCollectorContainer`).
static COLLECTOR: LazyLock<Tree<'static>> = LazyLock::new(|| {
    constant(&json!({
        "requests": {"cpu": "50m", "memory": "64Mi"},
        "limits": {"cpu": "200m", "memory": "256Mi"},
    }))
});

/// The init container that KubeRay adds to every worker (KubeRay 1.7, `common/pod.go`, `DefaultWorkerPodTemplate`). It has
/// the image and the security context of the Ray container, which are not repeated here.
pub static WAIT_FOR_HEAD: LazyLock<Container<'static>> = LazyLock::new(|| {
    static VALUE: LazyLock<Tree<'static>> = LazyLock::new(|| {
        let block = json!({"cpu": "200m", "memory": "256Mi"});
        constant(&json!({"name": "wait-gcs-ready", "resources": {"requests": block, "limits": block}}))
    });
    Container::of(VALUE.root(), 0, Slot::WaitForHead)
});

/// The container that KubeRay submits the job from where no template is given (KubeRay 1.7, `common/job.go`,
/// `GetDefaultSubmitterContainer`). It has the image of the head, which is not repeated here.
pub static DEFAULT_SUBMITTER: LazyLock<Container<'static>> = LazyLock::new(|| {
    static VALUE: LazyLock<Tree<'static>> = LazyLock::new(|| {
        constant(&json!({"name": "ray-job-submitter", "resources": {
            "requests": {"cpu": "500m", "memory": "200Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        }}))
    });
    Container::of(VALUE.root(), 0, Slot::DefaultSubmitter)
});

fn constant(value: &Value) -> Tree<'static> {
    Tree::of(value).unwrap_or_default()
}

/// The longest quantity that a message repeats, in bytes; sane ones have a dozen.
const LONGEST_QUANTITY: usize = 40;

impl<'a> Container<'a> {
    /// The element `index` of a list of containers.
    pub fn of(value: Json<'a>, index: usize, slot: Slot) -> Container<'a> {
        Container::with(value, child(value, "resources"), index, slot)
    }

    fn with(value: Json<'a>, resources: Json<'a>, index: usize, slot: Slot) -> Container<'a> {
        Container {
            value,
            name: text(value, "name").unwrap_or(""),
            index,
            slot,
            resources,
            requests: Resource::all(child(resources, "requests")),
            limits: Resource::all(child(resources, "limits")),
        }
    }

    /// The autoscaler that KubeRay adds to the head, by its options.
    pub fn autoscaler(options: Json<'a>) -> Container<'a> {
        Container::by_options("autoscaler", options, AUTOSCALER.root(), Slot::Autoscaler)
    }

    /// The history server's collector, by its options.
    pub fn collector(options: Json<'a>) -> Container<'a> {
        Container::by_options("ray-history-collector", options, COLLECTOR.root(), Slot::Collector)
    }

    fn by_options(name: &'static str, options: Json<'a>, absent: Json<'a>, slot: Slot) -> Container<'a> {
        let resources = options.get("resources").filter(|resources| !resources.is_null());
        Container {
            name,
            ..Container::with(options, resources.unwrap_or(absent), 0, slot)
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
        self.limits.iter().chain(without(&self.requests, &self.limits))
    }

    /// Whether the container starts again when one of its resources is resized.
    pub fn restarts_on_resize(&self) -> bool {
        let mut policies = items(self.value, "resizePolicy").iter();
        policies.any(|policy| text(policy, "restartPolicy") == Some("RestartContainer"))
    }

    /// Whether an init container keeps running beside the pod's containers.
    pub fn is_native_sidecar(&self) -> bool {
        self.slot == Slot::Init && text(self.value, "restartPolicy") == Some("Always")
    }

    /// Each resource that the scheduler reserves for the container, once: its requests, and the limits that have none,
    /// because Kubernetes takes an absent request from the limit.
    pub fn reserved(&self) -> impl Iterator<Item = &Resource<'a>> {
        self.requests.iter().chain(without(&self.limits, &self.requests))
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
    pub fn env(&self, name: &str) -> Option<Json<'a>> {
        items(self.value, "env")
            .iter()
            .rfind(|variable| text(*variable, "name") == Some(name))
    }

    /// The volume mount whose path, however it is spelled, is `path`, with its position.
    pub fn mount_at(&self, path: &str) -> Option<(usize, Json<'a>)> {
        items(self.value, "volumeMounts")
            .iter()
            .enumerate()
            .find(|(_, mount)| text(*mount, "mountPath").is_some_and(|given| same_path(given, path)))
    }
}

impl<'a> Resource<'a> {
    /// The resources of a block, `requests` or `limits`, sorted by key.
    pub fn all(resources: Json<'a>) -> Vec<Resource<'a>> {
        let Some(resources) = resources.as_object() else {
            return Vec::new();
        };
        let given = resources.iter().filter(|(_, value)| !value.is_null());
        let resource = |(key, value)| Resource {
            key,
            value,
            quantity: OnceLock::new(),
        };
        given.map(resource).collect()
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

    /// It as Go's client writes it: as text, in the canonical form. KubeRay then changes nothing when it writes the object
    /// for the first time. What is no quantity stays as it is.
    pub fn canonical(&self) -> Value {
        self.quantity()
            .map_or_else(|| self.value.to_value(), |quantity| quantity.to_string().into())
    }

    /// What was written, as text, cut to the length of a quantity.
    pub fn seen(&self) -> String {
        match self.value.as_str() {
            Some(text) => truncated(text, LONGEST_QUANTITY).into_owned(),
            None => truncated(&self.value.to_string(), LONGEST_QUANTITY).into_owned(),
        }
    }
}

/// Whether two absolute paths name the same place: `/dev//shm/` is `/dev/shm`.
pub fn same_path(a: &str, b: &str) -> bool {
    let parts = |path| str::split(path, '/').filter(|part| !part.is_empty() && *part != ".");
    a.starts_with('/') == b.starts_with('/') && parts(a).eq(parts(b))
}

/// The resources of a list that another one does not have. A set keeps long lists from costing their square.
fn without<'r, 'a>(list: &'r [Resource<'a>], others: &'r [Resource<'a>]) -> impl Iterator<Item = &'r Resource<'a>> {
    const FEW: usize = 16;
    let known: Option<HashSet<&str>> =
        (list.len().min(others.len()) > FEW).then(|| others.iter().map(|other| other.key).collect());
    list.iter().filter(move |resource| match &known {
        Some(known) => !known.contains(resource.key),
        None => !others.iter().any(|other| other.key == resource.key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_found_however_its_path_is_spelled() {
        assert!(same_path("/dev//shm/", "/dev/shm"));
        assert!(same_path("/dev/./shm", "/dev/shm"));
        assert!(!same_path("dev/shm", "/dev/shm"));
        assert!(!same_path("/dev/shm2", "/dev/shm"));
    }
}
