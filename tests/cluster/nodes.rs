//! One plain node and one tainted GPU node, and where the scheduler puts pods on them.
//!
//! No kubelet runs: a bound pod is a placed pod, and starts nowhere.

use serde_json::{Value, json};

use crate::api::Answer;
use crate::cluster::{Cluster, NAMESPACE, pods};
use crate::process::wait_for;

/// The node for whatever needs no GPU.
pub(crate) const PLAIN: &str = "plain";
/// The node with eight GPUs, kept free by a taint for those who ask for one.
pub(crate) const GPU: &str = "gpu";

/// The GPUs of that node, as its label names them.
pub(crate) const GPU_PRODUCT: &str = "NVIDIA-A100-SXM4-80GB";

/// Adds both nodes and the volume that one of the RayJobs mounts, and waits until the scheduler binds a pod to the
/// plain node: without that, a pod that stays unschedulable would prove nothing.
pub(crate) fn add(cluster: &Cluster) {
    let taint = json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"});
    add_node(cluster, PLAIN, &json!({}), &json!([]), "0");
    add_node(
        cluster,
        GPU,
        &json!({"nvidia.com/gpu.product": GPU_PRODUCT}),
        &json!([taint]),
        "8",
    );
    add_volume(cluster, "training-data");

    let container = json!({"name": "control", "image": "control"});
    create_pod(cluster, "control", &json!({"spec": {"containers": [container]}})).expect(201);
    assert_eq!(node_of(cluster, "control"), PLAIN);
}

/// Creates a pod from a pod template, as KubeRay does after adding its own.
pub(crate) fn create_pod(cluster: &Cluster, name: &str, template: &Value) -> Answer {
    let labels = &template["metadata"]["labels"];
    cluster.api.post(
        &pods(),
        &json!({"metadata": {"name": name, "labels": labels}, "spec": template["spec"]}),
    )
}

/// The node that the scheduler binds the pod to; waits for it.
pub(crate) fn node_of(cluster: &Cluster, pod: &str) -> String {
    wait_for(&format!("the scheduler to bind pod {pod}"), || {
        let pod = get_pod(cluster, pod);
        match pod["spec"]["nodeName"].as_str() {
            Some(node) => Ok(node.to_owned()),
            None => Err(refusal(&pod).unwrap_or_else(|| "not looked at yet".to_owned())),
        }
    })
}

/// Why the scheduler finds no node for the pod; waits for it, and panics if the pod is bound after all.
pub(crate) fn unschedulable_because(cluster: &Cluster, pod: &str) -> String {
    wait_for(&format!("the scheduler to refuse pod {pod}"), || {
        let found = get_pod(cluster, pod);
        let node = &found["spec"]["nodeName"];
        assert!(node.is_null(), "pod {pod} was bound to node {node}");
        refusal(&found).ok_or("not looked at yet")
    })
}

fn get_pod(cluster: &Cluster, name: &str) -> Value {
    cluster.api.get(&format!("{}/{name}", pods())).expect(200)
}

fn refusal(pod: &Value) -> Option<String> {
    let conditions = pod["status"]["conditions"].as_array()?;
    let refusal = conditions
        .iter()
        .find(|it| it["type"] == "PodScheduled" && it["reason"] == "Unschedulable")?;
    refusal["message"].as_str().map(str::to_owned)
}

fn add_node(cluster: &Cluster, name: &str, labels: &Value, taints: &Value, gpus: &str) {
    let node = json!({"metadata": {"name": name, "labels": labels}});
    cluster.api.post("/api/v1/nodes", &node).expect(201);
    let path = format!("/api/v1/nodes/{name}");
    let resources = json!({"cpu": "256", "memory": "2Ti", "pods": "250", "nvidia.com/gpu": gpus});
    let ready = json!({"type": "Ready", "status": "True", "reason": "Tests", "message": "nobody runs here"});
    let status = json!({"status": {"capacity": resources, "allocatable": resources, "conditions": [ready]}});
    cluster.api.merge_patch(&format!("{path}/status"), &status).expect(200);
    // Admission taints each new node as not ready, and no controller runs that would take that away.
    cluster
        .api
        .merge_patch(&path, &json!({"spec": {"taints": taints}}))
        .expect(200);
}

/// A claim and its volume, bound to each other by hand: no controller runs that would.
fn add_volume(cluster: &Cluster, name: &str) {
    let claims = format!("/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims");
    let access = json!(["ReadWriteMany"]);
    let claim = json!({
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {
            "accessModes": access,
            "storageClassName": "",
            "volumeName": name,
            "resources": {"requests": {"storage": "1Ti"}},
        },
    });
    let claim = cluster.api.post(&claims, &claim).expect(201);
    let volume = json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": access,
            "capacity": {"storage": "1Ti"},
            "csi": {"driver": "tests", "volumeHandle": name},
            "claimRef": {"namespace": NAMESPACE, "name": name, "uid": claim["metadata"]["uid"]},
        },
    });
    cluster.api.post("/api/v1/persistentvolumes", &volume).expect(201);
    let bound = json!({"status": {"phase": "Bound"}});
    cluster
        .api
        .merge_patch(&format!("/api/v1/persistentvolumes/{name}/status"), &bound)
        .expect(200);
    cluster
        .api
        .merge_patch(&format!("{claims}/{name}/status"), &bound)
        .expect(200);
}
