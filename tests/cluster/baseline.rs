//! What the cluster does without raygate: the failures that it exists to prevent, and the facts that it relies on.

use serde_json::json;

use crate::cluster::{Cluster, rayjobs, rayjobs_in};
use crate::nodes::{GPU, PLAIN, create_pod, node_of, unschedulable_because};
use crate::rayjobs::{all, load, minimal, ray_pod, ray_pods};

/// The API server fills in the CRD's defaults, so that a field left out cannot be told from its zero value.
pub(crate) fn the_crd_fills_in_defaults(cluster: &Cluster) {
    let stored = cluster.api.post(&rayjobs(), &minimal("defaults")).expect(201);
    let spec = &stored["spec"];
    assert_eq!(spec["submissionMode"], "K8sJobMode");
    assert_eq!(spec["ttlSecondsAfterFinished"], 0);
    assert!(spec.get("shutdownAfterJobFinishes").is_none(), "{spec:#}");
    let group = &spec["rayClusterSpec"]["workerGroupSpecs"][0];
    for (field, default) in [
        ("replicas", 0),
        ("minReplicas", 0),
        ("maxReplicas", i32::MAX),
        ("numOfHosts", 1),
    ] {
        assert_eq!(group[field], default, "{field}");
    }
    // KubeRay 1.1 had no retries.
    let limit = spec.get("backoffLimit");
    assert!(limit.is_none_or(|limit| limit == 0), "{limit:?}");
}

/// v1alpha1 knows fewer fields, and writes the same objects.
pub(crate) fn v1alpha1_is_served_without_newer_fields(cluster: &Cluster) {
    let mut job = minimal("old");
    job["apiVersion"] = json!("ray.io/v1alpha1");
    let answer = cluster.api.post(&rayjobs_in("v1alpha1"), &job).expect(201);
    assert_eq!(answer["apiVersion"], "ray.io/v1alpha1");
    assert!(answer["spec"].get("submissionMode").is_none(), "{:#}", answer["spec"]);
    assert!(
        answer["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
            .get("numOfHosts")
            .is_none()
    );
    assert_eq!(
        cluster.rayjob("old").expect(200)["spec"]["submissionMode"],
        "K8sJobMode"
    );
}

/// A patch that adds a second entry of the same key would fail here, after admission.
pub(crate) fn the_crd_refuses_a_port_twice(cluster: &Cluster) {
    let mut job = minimal("twice");
    let container = &mut job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0];
    container["ports"] = json!([{"containerPort": 8265}, {"containerPort": 8265, "name": "dashboard"}]);
    let answer = cluster.api.post(&rayjobs(), &job);
    assert_eq!((answer.code, answer.reason()), (422, "Invalid"), "{answer}");
    assert!(answer.message().contains("Duplicate value"), "{}", answer.message());
}

/// Everything that Flyte sends is a RayJob to the API server, whatever becomes of its pods.
pub(crate) fn every_rayjob_is_accepted_as_flyte_posts_it(cluster: &Cluster) {
    for (file, job) in all() {
        let stored = cluster.api.post(&format!("{}?dryRun=All", rayjobs()), &job).expect(201);
        for (pod, posted) in ray_pods(&stored).iter().zip(ray_pods(&job)) {
            assert_eq!(
                pod.container()["resources"],
                posted.container()["resources"],
                "{file} {}",
                pod.role
            );
            assert!(pod.container().get("readinessProbe").is_none(), "{file} {}", pod.role);
        }
    }
}

/// Flyte leaves the platform's small limits below the requests: KubeRay could create no such pod.
pub(crate) fn a_pod_with_limits_below_its_requests_is_refused(cluster: &Cluster) {
    for seed in ["seed-01", "seed-08"] {
        let job = load(seed);
        let answer = create_pod(cluster, "worker", ray_pod(&job, "gpu-workers").template);
        assert_eq!(
            (answer.code, answer.reason()),
            (422, "Invalid"),
            "{seed}: {:#}",
            answer.body
        );
        assert!(
            answer.message().contains("must be less than or equal to cpu limit"),
            "{seed}: {}",
            answer.message()
        );
    }
}

/// The GPU workers wait beside a free GPU node, while the head is placed.
pub(crate) fn a_gpu_pod_without_toleration_is_unschedulable(cluster: &Cluster) {
    let job = load("seed-02");
    create_pod(cluster, "head", ray_pod(&job, "head").template).expect(201);
    create_pod(cluster, "worker", ray_pod(&job, "gpu-workers").template).expect(201);
    assert_eq!(node_of(cluster, "head"), PLAIN);
    let reason = unschedulable_because(cluster, "worker");
    assert!(reason.contains("untolerated taint"), "{reason}");
}

/// The positive control of the test above: the author of this job wrote the toleration.
pub(crate) fn a_gpu_pod_with_toleration_is_placed_on_the_gpu_node(cluster: &Cluster) {
    let job = load("seed-04-");
    create_pod(cluster, "worker", ray_pod(&job, "gpu-workers").template).expect(201);
    assert_eq!(node_of(cluster, "worker"), GPU);
}
