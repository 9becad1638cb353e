//! The pod templates of a Ray object.
//!
//! KubeRay 1.7, `raycluster_types.go`; container 0 is the Ray container whatever its name (`common/pod.go`).

use crate::diag::quoted;
use crate::json::{Json, Object};
use crate::k8s::json::{below, child, items, text};
use crate::k8s::path::Path;

use super::container::{Container, Slot};
use super::kind::Kind;

/// The field of a pod's `spec` that names its service account.
pub const SERVICE_ACCOUNT_NAME: &str = "serviceAccountName";
/// The deprecated alias of [`SERVICE_ACCOUNT_NAME`].
const SERVICE_ACCOUNT: &str = "serviceAccount";

/// The fields of `autoscalerOptions` that describe its container.
const CONTAINER_OPTIONS: [&str; 6] = [
    "image",
    "env",
    "envFrom",
    "resources",
    "securityContext",
    "volumeMounts",
];

/// The field of an object as Kubernetes reads it: it takes `serviceAccount` where `serviceAccountName` is missing or empty
/// (`pkg/apis/core/v1/conversion.go`).
pub fn field_of<'a>(map: Object<'a>, key: &str) -> Option<Json<'a>> {
    let given = map.get(key);
    let is_empty = given.is_none_or(|value| value.is_null() || value == "");
    if key == SERVICE_ACCOUNT_NAME && is_empty {
        return map.get(SERVICE_ACCOUNT).or(given);
    }
    given
}

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

/// A pod template of a Ray object with its group.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The kind of the object.
    pub kind: &'static Kind,
    /// What the pod is for.
    pub role: Role,
    /// The position of its worker group, 0 for the head and the submitter.
    pub index: usize,
    /// `headGroupSpec`, the element of `workerGroupSpecs`, or the RayJobSpec for the submitter.
    pub group: Json<'a>,
    /// The pod template.
    pub template: Json<'a>,
    /// The template's `spec`, null where it is missing.
    pub spec: Json<'a>,
    /// `containers`, then `initContainers`.
    pub containers: Vec<Container<'a>>,
    /// The other containers of the pod that the object describes: `ephemeralContainers`, then those that KubeRay adds by
    /// the cluster's options.
    pub others: Vec<Container<'a>>,
    /// The service account that KubeRay gives the pod if the template names none.
    pub given_account: Option<&'a str>,
    /// The container that KubeRay adds and the object does not describe.
    pub kuberays: Option<&'static Container<'static>>,
}

impl<'a> Pod<'a> {
    /// The pod of a template.
    pub fn of(kind: &'static Kind, role: Role, index: usize, group: Json<'a>, template: Json<'a>) -> Pod<'a> {
        let spec = child(template, "spec");
        let all = |slot: Slot, list| {
            let values = items(spec, list).iter().enumerate();
            values.map(move |(index, value)| Container::of(value, index, slot))
        };
        let main = all(Slot::Main, "containers");
        let containers = main.chain(all(Slot::Init, "initContainers")).collect();
        Pod {
            kind,
            role,
            index,
            group,
            template,
            spec,
            containers,
            others: all(Slot::Ephemeral, "ephemeralContainers").collect(),
            given_account: None,
            kuberays: None,
        }
    }

    /// Where the group is; the RayJobSpec for the submitter.
    pub fn group_path(&self) -> Path {
        match self.role {
            Role::Head => self.kind.head_path(),
            Role::Worker => self.kind.group_path(self.index),
            Role::Submitter => self.kind.job_path(),
        }
    }

    /// Where the pod template stands.
    pub fn template_path(&self) -> Path {
        match self.role {
            Role::Submitter => self.kind.submitter_path(),
            _ => self.group_path().then_key("template"),
        }
    }

    /// Where the template's `spec` stands.
    pub fn spec_path(&self) -> Path {
        self.template_path().then_key("spec")
    }

    /// Where a container of this pod is; the pod's `spec` for one that nothing in the object describes.
    pub fn container_path(&self, container: &Container<'_>) -> Path {
        let list = match container.slot {
            Slot::Main => "containers",
            Slot::Init => "initContainers",
            Slot::Ephemeral => "ephemeralContainers",
            Slot::Autoscaler => return self.kind.cluster_path().then_key("autoscalerOptions"),
            Slot::Collector => {
                let cluster = self.kind.cluster_path();
                return cluster.then_key("historyServerOptions").then_key("collectorOptions");
            }
            Slot::WaitForHead | Slot::DefaultSubmitter => return self.spec_path(),
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

    /// Whether a container starts again when it is resized. Then the restart policy of the pod must not be `Never`
    /// (Kubernetes, `core/validation/validation.go`, `validateResizePolicy`; releases before 1.33 drop `resizePolicy`).
    pub fn restarts_on_resize(&self) -> bool {
        self.containers.iter().any(Container::restarts_on_resize)
    }

    /// The init containers, in their order.
    pub fn init(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| container.slot == Slot::Init)
    }

    /// Every container that the pod has or gets, those that only KubeRay describes included.
    pub fn everywhere(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().chain(&self.others).chain(self.kuberays)
    }

    /// Every container that the object describes: the template's own, and those that KubeRay makes by the cluster's options.
    pub fn described(&self) -> impl Iterator<Item = &Container<'a>> {
        let others = self.others.iter().filter(|container| match container.slot {
            Slot::Autoscaler => CONTAINER_OPTIONS
                .iter()
                .any(|key| container.value.get(key).is_some_and(|value| !value.is_null())),
            // The pods share the collector, so it is the head's.
            Slot::Collector => self.role == Role::Head,
            _ => true,
        });
        self.containers.iter().chain(others)
    }

    /// The containers that the author describes in every release of KubeRay: those of the template, and the autoscaler's
    /// options.
    pub fn authored(&self) -> impl Iterator<Item = &Container<'a>> {
        let autoscaler = self.others.iter().filter(|other| other.slot == Slot::Autoscaler);
        self.containers.iter().chain(autoscaler)
    }

    /// The image of a container: its own, or the one that KubeRay gives the autoscaler (KubeRay 1.7, `common/pod.go`).
    pub fn image(&self, container: &Container<'a>) -> Option<&'a str> {
        let own = text(container.value, "image").filter(|image| !image.is_empty());
        own.or_else(|| match container.slot {
            Slot::Autoscaler => text(self.main()?.value, "image"),
            _ => None,
        })
    }

    /// The name of the pod's service account: `serviceAccountName`, else its deprecated alias `serviceAccount`, as
    /// Kubernetes reads them (`pkg/apis/core/v1/conversion.go`), else the one that KubeRay gives the pod.
    pub fn service_account(&self) -> Option<(&'static str, &'a str)> {
        let named = |key| Some((key, text(self.spec, key).filter(|name| !name.is_empty())?));
        let given = || self.given_account.map(|name| (SERVICE_ACCOUNT_NAME, name));
        named(SERVICE_ACCOUNT_NAME)
            .or_else(|| named(SERVICE_ACCOUNT))
            .or_else(given)
    }

    /// `rayStartParams`.
    pub fn start_params(&self) -> Option<Object<'a>> {
        child(self.group, "rayStartParams").as_object()
    }

    /// A start parameter, where it is text.
    pub fn start_param(&self, key: &str) -> Option<&'a str> {
        self.start_params()?.get(key)?.as_str()
    }

    /// A label of the pod template.
    pub fn label(&self, key: &str) -> Option<&'a str> {
        text(below(self.template, &["metadata", "labels"]), key)
    }

    /// An annotation of the pod template.
    pub fn annotation(&self, key: &str) -> Option<&'a str> {
        text(below(self.template, &["metadata", "annotations"]), key)
    }

    /// A volume of the pod.
    pub fn volume(&self, name: &str) -> Option<(usize, Json<'a>)> {
        items(self.spec, "volumes")
            .iter()
            .enumerate()
            .find(|(_, volume)| text(*volume, "name") == Some(name))
    }

    /// Whether the pod has resources for all its containers together (Kubernetes 1.32 and later, `spec.resources`).
    pub fn has_own_resources(&self) -> bool {
        let blocks = child(self.spec, "resources").as_object();
        blocks.is_some_and(|blocks| {
            ["requests", "limits"]
                .iter()
                .filter_map(|block| blocks.get(block)?.as_object())
                .any(|block| !block.is_empty())
        })
    }

    /// A whole number of the worker group, or `absent`.
    pub fn group_number(&self, key: &str, absent: i64) -> i64 {
        child(self.group, key).as_i64().unwrap_or(absent)
    }
}
