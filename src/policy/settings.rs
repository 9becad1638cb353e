//! The settings of a policy, typed: what the merged leaves of all policies that match a RayJob come to.
//!
//! The shape is that of [`crate::policy::schema`], with lists that merge by name as maps; a test sets each leaf of
//! the schema alone and finds it here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::k8s::pod_security::{Level, Profile};
use crate::k8s::quantity::Quantity;

/// `defaults` or `force`, merged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// What happens to the cluster when the job is over, or takes too long.
    pub lifecycle: Lifecycle,
    /// The memory volume at `/dev/shm` of each pod that runs Ray.
    pub shared_memory: SharedMemory,
    /// For each accelerator resource, the kind of the Platform that is meant where the author names none.
    pub accelerators: BTreeMap<String, String>,
    /// How the readiness of head and workers is probed.
    pub readiness: Option<Readiness>,
    /// Where the wget of the readiness mode `Wget` comes from.
    pub wget: Wget,
    /// The RayJob's own metadata.
    pub job: JobSettings,
    /// The head pod.
    pub head: PodSettings,
    /// The pods of every worker group.
    pub workers: PodSettings,
    /// The submitter pod.
    pub submitter: PodSettings,
    /// All pods; `head`, `workers` and `submitter` go before it.
    pub pods: PodSettings,
}

/// Times and clean-up. All times are seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Whether KubeRay deletes the cluster when the job is over.
    pub shutdown_after_job_finishes: Option<bool>,
    /// How long it waits before it does.
    pub ttl_seconds_after_finished: Option<i64>,
    /// How long the job may take, from its start.
    pub active_deadline_seconds: Option<i64>,
    /// How long the cluster may take to become ready (KubeRay 1.6 and later).
    pub pre_running_deadline_seconds: Option<i64>,
}

/// The size of `/dev/shm`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SharedMemory {
    /// A share of the Ray container's memory, or a quantity.
    pub size: Option<Size>,
    /// Never less than this.
    pub min: Option<Quantity>,
    /// Never more than this.
    pub max: Option<Quantity>,
}

/// A quantity, or a percentage of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// Percent, 1 to 100.
    Percent(u8),
    /// A quantity.
    Quantity(Quantity),
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        match text.strip_suffix('%') {
            Some(number) => match number.parse() {
                Ok(percent @ 1..=100) => Ok(Size::Percent(percent)),
                _ => Err(format!("{text:?} is no share; write a whole number from 1% to 100%")),
            },
            None => Quantity::parse(text)
                .map(Size::Quantity)
                .map_err(|error| error.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_str() {
            Some(text) => text.parse().map_err(serde::de::Error::custom),
            None => Quantity::from_value(&value)
                .map(Size::Quantity)
                .map_err(serde::de::Error::custom),
        }
    }
}

/// How the readiness of the head and the workers is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Readiness {
    /// HTTP probes on Ray's own health endpoints: no tool in the image is needed.
    Http,
    /// Probes that run Python, which every Ray image has.
    Python,
    /// KubeRay's own probes, and a `wget` for images without one.
    Wget,
    /// KubeRay's own probes, untouched.
    KubeRay,
}

/// Where the wget of the readiness mode `Wget` comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wget {
    /// An image with a static busybox at `/bin/busybox`; without it, a script made in the Ray image itself.
    pub image: Option<String>,
}

/// Metadata of the RayJob itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JobSettings {
    /// Labels, such as a queue's.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What a policy says of pods.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodSettings {
    /// `rayStartParams`.
    pub ray_start_params: BTreeMap<String, String>,
    /// The least that a Ray container needs.
    pub minimum: BTreeMap<String, Quantity>,
    /// The submitter's requests.
    pub requests: BTreeMap<String, Quantity>,
    /// The submitter's limits.
    pub limits: BTreeMap<String, Quantity>,
    /// `Never`, `OnFailure` or `Always`.
    pub restart_policy: Option<String>,
    /// The type of the head's Service.
    pub service_type: Option<String>,
    /// Whether KubeRay makes an Ingress for the dashboard; of the head only.
    pub enable_ingress: Option<bool>,
    /// The pods' priority class.
    pub priority_class_name: Option<String>,
    /// The pods' runtime class.
    pub runtime_class_name: Option<String>,
    /// The scheduler that places the pods.
    pub scheduler_name: Option<String>,
    /// Labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
    /// Environment variables of the first container, by name.
    pub env: BTreeMap<String, Value>,
    /// Names of image pull secrets.
    pub image_pull_secrets: BTreeMap<String, Value>,
    /// Node labels that the pods need.
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations, under a key that orders them.
    pub tolerations: BTreeMap<String, Value>,
}

/// `limits`, merged. What is absent is unlimited.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Accelerators that the scheduler reserves for all pods together, at the autoscaler's most.
    pub max_gpus_per_job: Option<i64>,
    /// Accelerators of one kind of the Platform, by its name, that all pods together may take.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub accelerators: BTreeMap<String, i64>,
    /// CPUs of all pods together, at the autoscaler's most.
    pub max_cpus_per_job: Option<Quantity>,
    /// Memory of all pods together, at the autoscaler's most.
    pub max_memory_per_job: Option<Quantity>,
    /// Pods of one job, at the autoscaler's most.
    pub max_pods_per_job: Option<i64>,
    /// Pods of one worker group, at the autoscaler's most.
    pub max_workers_per_group: Option<i64>,
    /// `ttlSecondsAfterFinished`.
    pub max_ttl_seconds: Option<i64>,
    /// `rayClusterDeletionDelaySeconds` of a RayService.
    pub max_deletion_delay_seconds: Option<i64>,
    /// `activeDeadlineSeconds`, which must then be set.
    pub max_active_deadline_seconds: Option<i64>,
    /// `preRunningDeadlineSeconds`, which must then be set.
    pub max_pre_running_deadline_seconds: Option<i64>,
    /// `backoffLimit`: each retry is a new cluster.
    pub max_backoff_limit: Option<i64>,
    /// Image patterns, one of which every image must fit.
    pub allowed_images: Option<Vec<String>>,
    /// Whether a RayJob may select an existing cluster.
    pub cluster_selector: Option<Selecting>,
    /// What happens to devices that cannot be counted, `Warn` or `Deny`, where accelerators are limited.
    pub unknown_devices: Option<Action>,
    /// The level of the Pod Security Standards that every pod must meet.
    pub pod_security: Option<Profile>,
}

/// How much a limit lets through: the less, the stricter it is. `None` for a list of patterns.
pub(super) fn leniency(limit: &Value) -> Option<Quantity> {
    let Some(text) = limit.as_str() else {
        return Quantity::from_value(limit).ok();
    };
    match (text, text.parse::<Profile>().map(|profile| profile.level)) {
        ("Deny" | "Forbid", _) | (_, Ok(Level::Restricted)) => Some(Quantity::from(0)),
        ("Warn" | "Allow", _) | (_, Ok(Level::Baseline)) => Some(Quantity::from(1)),
        (_, Ok(Level::Privileged)) => Some(Quantity::from(2)),
        _ => Quantity::parse(text).ok(),
    }
}

/// Whether a RayJob may select an existing cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Selecting {
    /// It may. A warning says that limits cannot see that cluster.
    Allow,
    /// It may not.
    Forbid,
}

impl Limits {
    /// Whether something is limited that a cluster has: accelerators, CPUs, memory, pods, images or the
    /// level of Pod Security.
    pub fn bound_clusters(&self) -> bool {
        self.max_gpus_per_job.is_some()
            || !self.accelerators.is_empty()
            || self.max_cpus_per_job.is_some()
            || self.max_memory_per_job.is_some()
            || self.max_pods_per_job.is_some()
            || self.max_workers_per_group.is_some()
            || self.allowed_images.is_some()
            || self
                .pod_security
                .is_some_and(|profile| profile.level != Level::Privileged)
    }
}

/// What happens to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Action {
    /// Nothing at all.
    Ignore,
    /// It goes to the log, the metrics and the audit log.
    Audit,
    /// The author is warned too.
    Warn,
    /// It is repaired, and denied where it cannot be.
    Fix,
    /// The RayJob is refused.
    Deny,
}

impl Action {
    /// Every action with its meaning, strictest first.
    pub const ALL: &[(&str, &str)] = &[
        ("Deny", "refuse the object"),
        (
            "Fix",
            "repair it where the check can, and refuse the object where it cannot be repaired",
        ),
        ("Warn", "admit the object with a warning"),
        (
            "Audit",
            "admit it and write the finding to the log, the metrics and the audit log",
        ),
        ("Ignore", "do not look"),
    ];

    /// The name that policies and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Action::Ignore => "Ignore",
            Action::Audit => "Audit",
            Action::Warn => "Warn",
            Action::Fix => "Fix",
            Action::Deny => "Deny",
        }
    }
}

/// What a policy does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Mode {
    /// It acts.
    #[default]
    Enforce,
    /// It says what it would do.
    Preview,
    /// It does nothing.
    Disabled,
}

/// `Platform.spec`: the facts of one platform.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PlatformSpec {
    /// The KubeRay that is installed.
    pub kuberay: KubeRaySpec,
    /// The Flyte that creates the RayJobs.
    pub flyte: FlyteSpec,
    /// The queue that starts and suspends jobs.
    pub queue: QueueSpec,
    /// The kinds of accelerators, by name.
    pub accelerators: BTreeMap<String, Accelerator>,
    /// The devices that are not accelerators.
    pub other_devices: OtherDevices,
    /// Which nodes the platform has or can have.
    pub capacity: CapacitySpec,
    /// The names of the kinds of Ray objects in Preview.
    pub preview: Vec<String>,
    /// `Preview` puts every kind into Preview.
    pub mode: Mode,
}

/// Which nodes a platform has or can have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CapacitySpec {
    /// Whether there can be others than those that are known.
    pub world: World,
    /// Nodes that may not exist now, by the name of their pool.
    pub pools: BTreeMap<String, PoolSpec>,
    /// Whether pods tolerate the taints of the devices that they request; `None` means that they may.
    pub extended_resource_toleration: Option<bool>,
}

/// Whether a cluster can have other nodes than those that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum World {
    /// It can.
    #[default]
    Open,
    /// It cannot.
    Closed,
}

/// Nodes that are alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PoolSpec {
    /// The labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Their taints.
    pub taints: Vec<TaintSpec>,
    /// What one of them gives to pods.
    pub allocatable: BTreeMap<String, Quantity>,
    /// The most of them; `None` for no bound.
    pub max_nodes: Option<u64>,
}

/// A taint of nodes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaintSpec {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it does.
    pub effect: String,
}

/// Devices that are not accelerators, beside those that are known by their names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OtherDevices {
    /// Patterns of container resources.
    pub resources: Vec<String>,
    /// Patterns of templates of resource claims.
    pub claim_templates: Vec<String>,
}

/// The installed KubeRay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KubeRaySpec {
    /// `1.6`; the newest release where it is absent.
    pub version: Option<String>,
    /// Feature gates that differ from the release's defaults.
    pub feature_gates: BTreeMap<String, bool>,
    /// The users that the operator runs as; `None` means [`OPERATORS`].
    pub operators: Option<Vec<String>>,
}

/// The users that the KubeRay operator runs as unless the Platform names others: the service account of the Helm chart
/// and of the kustomizations (KubeRay 1.7, `helm-chart/kuberay-operator/values.yaml`) in the usual namespaces.
pub const OPERATORS: &[&str] = &[
    "system:serviceaccount:ray-system:kuberay-operator",
    "system:serviceaccount:kuberay-operator:kuberay-operator",
    "system:serviceaccount:kuberay-system:kuberay-operator",
];

/// The queue that starts and suspends jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QueueSpec {
    /// The users that the queue's controllers run as; `None` means [`QUEUE_CONTROLLERS`].
    pub controllers: Option<Vec<String>>,
}

/// The users that a queue's controllers run as unless the Platform names others: Kueue's, as its manifests install it.
pub const QUEUE_CONTROLLERS: &[&str] = &["system:serviceaccount:kueue-system:kueue-controller-manager"];

/// The Flyte that creates the RayJobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FlyteSpec {
    /// `1.16.8`; it decides the status of a denial.
    pub version: Option<String>,
    /// The users whose word on project, domain, workflow and task is taken.
    pub service_accounts: Vec<String>,
    /// The template of the namespaces: `{project}-{domain}`.
    pub namespace: Option<String>,
    /// Flyte's `task_resources.defaults`: what a container has whose author asked for nothing.
    pub task_defaults: BTreeMap<String, Quantity>,
}

/// A kind of accelerator.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Accelerator {
    /// The container resource that asks for it.
    pub resource: Option<String>,
    /// The templates of resource claims that ask for it, with the accelerators of one claim.
    pub claim_templates: BTreeMap<String, i64>,
    /// The device classes that have it, with the accelerators of one device.
    pub device_classes: BTreeMap<String, i64>,
    /// The labels of the nodes that have it.
    pub node_selector: BTreeMap<String, String>,
    /// The tolerations that its nodes want.
    pub tolerations: Vec<Value>,
}
