//! Flyte: who made a Ray object, as far as the object tells, and how its author names the fields.
//!
//! What stands in the object is advisory: labels and environment variables can be forged. Only the engine, which
//! sees the request's user, may call an identity verified.

use crate::diag::shorten;
use crate::json::{Array, Json};
use crate::k8s::json::{child, items, text};
use crate::k8s::names::LABEL_MAX;

use super::kind::{RAY_CLUSTER, RAY_JOB};
use super::pod::{Pod, Role};
use super::workload::Workload;

/// What a Ray object says of the Flyte execution that made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The Flyte project.
    pub project: String,
    /// The Flyte domain: `development`, `staging`, `production`.
    pub domain: String,
    /// The workflow, as the label holds it.
    pub workflow: String,
    /// The task: the dotted name where the environment has it, else the label.
    pub task: String,
    /// The execution.
    pub execution: String,
    /// The user on whose behalf it runs, as the label holds it.
    pub user: String,
    /// Whether the environment gives the workflow or the task several values: the author has set Flyte's variables.
    pub is_disputed: bool,
}

const WORKFLOW: &str = "FLYTE_INTERNAL_EXECUTION_WORKFLOW";
const TASK: &str = "FLYTE_INTERNAL_TASK_NAME";

impl Identity {
    /// Reads the labels and the Ray container's environment (Flyte 1.16, `pluginmachinery/flytek8s`).
    ///
    /// The published source of Flyte 2 has the labels of the execution on every pod template (`plugins/k8s/ray/ray.go`), and
    /// does not say which ones a RayCluster of its own has. So those of the head's template stand in for missing ones.
    pub fn of(job: &Workload<'_>) -> Identity {
        let label = |key| label(job, key).unwrap_or_default().to_owned();
        let ray = job.head().and_then(Pod::main);
        let env = |name: &str| {
            let variable = ray.and_then(|container| container.env(name))?;
            text(variable, "value")
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        let is_disputed = |name: &str| {
            let variables = ray.map_or(Array::EMPTY, |container| items(container.value, "env"));
            let mut named = variables
                .iter()
                .filter(|variable| text(*variable, "name") == Some(name));
            let first = named.next();
            named.any(|other| Some(text(other, "value")) != first.map(|first| text(first, "value")))
        };
        Identity {
            is_disputed: is_disputed(WORKFLOW) || is_disputed(TASK),
            project: label("project"),
            domain: label("domain"),
            workflow: env(WORKFLOW).unwrap_or_else(|| label("workflow-name")),
            task: env(TASK).unwrap_or_else(|| label("task-name")),
            execution: Some(label("execution-id"))
                .filter(|execution| !execution.is_empty())
                .unwrap_or_else(|| label("run")),
            user: label("execution-identity"),
        }
    }
}

/// Whether the object looks as if Flyte made it: its owner is a Flyte workflow or action, or it carries Flyte's labels.
pub fn made_by_flyte(job: &Workload<'_>) -> bool {
    let owned = job.object.get("metadata").is_some_and(|metadata| {
        items(metadata, "ownerReferences").iter().any(|owner| {
            let group = text(owner, "apiVersion").unwrap_or_default();
            match text(owner, "kind") {
                Some("flyteworkflow") => group.starts_with("flyte.lyft.com/"),
                Some("TaskAction") => group.starts_with("flyte.org/"),
                _ => false,
            }
        })
    });
    owned
        || ["project", "domain", "task-name"]
            .iter()
            .all(|key| label(job, key).is_some())
}

/// Whether a Flyte task may be behind the object. A RayJob may be a copy of one that Flyte made.
pub fn may_have_made(job: &Workload<'_>) -> bool {
    job.kind.is(&RAY_JOB) || job.kind.is(&RAY_CLUSTER) && made_by_flyte(job)
}

/// A label of an object; of a RayCluster that lacks it, that of the head's pod template.
fn label<'a>(job: &Workload<'a>, key: &str) -> Option<&'a str> {
    job.label(key).or_else(|| {
        let head = job.head().filter(|_| job.kind.is(&RAY_CLUSTER))?;
        text(child(child(head.template, "metadata"), "labels"), key)
    })
}

/// Whether the submitter is Flyte's copy of the task's own pod, with the task's resources and node choice (Flyte 1,
/// ray plugin: the container keeps the RayJob's name or is called `primary`; Flyte 2 builds a small one of its own).
pub fn submitter_is_task_copy(job: &Workload<'_>, submitter: &Pod<'_>) -> bool {
    made_by_flyte(job)
        && submitter
            .running()
            .any(|container| container.name == "primary" || container.name == job.name())
}

/// The argument of a Flyte task that sets `argument` for this pod: `WorkerNodeConfig(group_name="a", limits=…)`.
pub fn setting(pod: &Pod<'_>, argument: &str) -> String {
    match pod.role {
        Role::Head => format!("HeadNodeConfig({argument})"),
        Role::Worker => {
            let name = shorten(&pod.group_name().replace('"', ""), LABEL_MAX);
            format!("WorkerNodeConfig(group_name=\"{name}\", {argument})")
        }
        Role::Submitter => format!("@task({argument})"),
    }
}

/// The name of a container resource in Flyte's `Resources(…)`: `mem` for memory, `gpu` for any GPU; `None` where
/// flytekit has no argument for it.
pub fn resource_argument(key: &str) -> Option<&'static str> {
    match key {
        "cpu" => Some("cpu"),
        "memory" => Some("mem"),
        "ephemeral-storage" => Some("ephemeral_storage"),
        key if key.ends_with("gpu") => Some("gpu"),
        _ => None,
    }
}

/// `limits=Resources(mem="32Gi")` for this pod, or the YAML field where flytekit has no argument for the resource.
pub fn resource_setting(pod: &Pod<'_>, block: &str, key: &str, quantity: &str) -> String {
    match resource_argument(key) {
        Some(argument) => setting(pod, &format!("{block}=Resources({argument}=\"{quantity}\")")),
        None => format!(
            "{} with {block}[\"{key}\"] of {quantity}",
            setting(pod, "pod_template=PodTemplate(…)")
        ),
    }
}

/// The words of `value`, for a message: text without its quotation marks, else JSON.
pub fn shown(value: Json<'_>) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
