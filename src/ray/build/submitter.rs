//! The submitter: a Job of its own, or a container of the head (KubeRay 1.7, `common/job.go`, `rayjob_controller.go`).

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::ray::kind::SUBMITTER;
use crate::ray::version::KubeRay;

use super::cluster::Cluster;
use super::values::{Fields, append, env, given, put_list, shell, take_list, take_object};

/// The container that KubeRay submits from where the author gives none (`GetDefaultSubmitterContainer`).
fn default_container(cluster: &Cluster<'_>) -> Fields {
    let template = child(cluster.head(), "template");
    let ray = items(child(template, "spec"), "containers").first();
    let image = ray.and_then(|ray| text(ray, "image")).unwrap_or_default();
    let container = json!({
        "name": "ray-job-submitter",
        "image": image,
        "resources": {
            "limits": {"cpu": "1", "memory": "1Gi"},
            "requests": {"cpu": "500m", "memory": "200Mi"},
        },
    });
    container.as_object().cloned().unwrap_or_default()
}

/// Completes a container (`configureSubmitterContainer`).
fn configure(cluster: &Cluster<'_>, container: &mut Fields, is_sidecar: bool) {
    let has_command = given(container, "command")
        .and_then(Value::as_array)
        .is_some_and(|words| !words.is_empty());
    if !has_command || is_sidecar {
        container.insert("command".to_owned(), shell("e"));
        container.insert("args".to_owned(), json!(["ray job submit"]));
    }
    env(container, "PYTHONUNBUFFERED", "1");
    env(container, "RAY_DASHBOARD_ADDRESS", &format!("{}:8265", cluster.host()));
    env(container, "RAY_JOB_SUBMISSION_ID", &format!("{}-xxxxx", cluster.job));
    if cluster.has_auth() {
        cluster.set_auth(container);
    }
}

/// The container that submits from within the head pod.
pub(super) fn sidecar(cluster: &Cluster<'_>) -> Fields {
    let mut container = default_container(cluster);
    configure(cluster, &mut container, true);
    if cluster.is_since(KubeRay::V1_7) && cluster.gate("SidecarSubmitterRestart") {
        container.insert("restartPolicy".to_owned(), "OnFailure".into());
    }
    container
}

/// The Job that submits (`createNewK8sJob`); `None` where its template has no container.
pub(super) fn job(cluster: &Cluster<'_>, spec: Json<'_>) -> Option<Value> {
    let mut template = match child(spec, SUBMITTER).to_value() {
        Value::Object(template) => template,
        _ => {
            let pod = json!({"containers": [default_container(cluster)], "restartPolicy": "Never"});
            Fields::from_iter([("spec".to_owned(), pod)])
        }
    };
    let mut pod = take_object(&mut template, "spec");
    let mut containers = take_list(&mut pod, "containers");
    configure(cluster, containers.first_mut()?.as_object_mut()?, false);
    put_list(&mut pod, "containers", containers);
    cluster.add_token_volume(&mut pod);
    let labels = json!({
        "ray.io/originated-from-cr-name": cluster.job,
        "ray.io/originated-from-crd": "RayJob",
        "app.kubernetes.io/created-by": "kuberay-operator",
    });
    let mut metadata = take_object(&mut template, "metadata");
    if cluster.is_since(KubeRay::V1_7) {
        let mut own = take_object(&mut metadata, "labels");
        own.extend(labels.as_object().cloned().unwrap_or_default());
        metadata.insert("labels".to_owned(), own.into());
    }
    template.insert("metadata".to_owned(), metadata.into());
    template.insert("spec".to_owned(), pod.into());
    let retries = child(child(spec, "submitterConfig"), "backoffLimit");
    let retries = if retries.is_null() {
        json!(2)
    } else {
        retries.to_value()
    };
    Some(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": cluster.job, "namespace": cluster.namespace, "labels": labels},
        "spec": {"backoffLimit": retries, "template": template},
    }))
}

/// The pod that Kubernetes makes of the Job.
pub(super) fn pod(job: &Value) -> Option<Value> {
    let template = job.get("spec")?.get("template")?;
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    let name = job.get("metadata")?.get("name")?.as_str()?;
    let fields = metadata.as_object_mut()?;
    fields.remove("name");
    fields.insert("generateName".to_owned(), format!("{name}-").into());
    fields.insert("namespace".to_owned(), job.get("metadata")?.get("namespace")?.clone());
    append(fields, "finalizers", ["batch.kubernetes.io/job-tracking".into()]);
    Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec")?}))
}
