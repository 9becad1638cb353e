//! Whether KubeRay could create the pods of a completed RayJob, and where the scheduler puts them.

use crate::cluster::{Cluster, rayjobs};
use crate::gate::Gate;
use crate::nodes::{GPU, PLAIN, create_pod, node_of, unschedulable_because};
use crate::rayjobs::{all, load, name, named, ray_pod, ray_pods, submitter};

/// GPU pods go to the GPU node, all others to the plain one, and none waits.
pub(crate) fn the_pods_of_every_rayjob_are_placed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    for (file, job) in all() {
        cluster.api.post(&rayjobs(), &job).expect(201);
        let stored = cluster.rayjob(name(&job)).expect(200);
        let mut pods = ray_pods(&stored);
        pods.push(submitter(&stored));
        for pod in &pods {
            let answer = create_pod(cluster, pod.role, pod.template);
            assert_eq!(answer.code, 201, "{file} {}: {answer}", pod.role);
        }
        for pod in &pods {
            let wanted = if pod.wants_gpu() { GPU } else { PLAIN };
            assert_eq!(node_of(cluster, pod.role), wanted, "{file} {}", pod.role);
        }
        cluster.clear();
    }
}

/// The same worker, without and with raygate, beside the same free GPU node.
pub(crate) fn only_the_completed_gpu_worker_is_placed(cluster: &Cluster) {
    let job = load("seed-02");
    let raw = cluster.api.post(&rayjobs(), &named(job.clone(), "raw")).expect(201);
    create_pod(cluster, "raw-worker", ray_pod(&raw, "gpu-workers").template).expect(201);
    let reason = unschedulable_because(cluster, "raw-worker");
    assert!(reason.contains("untolerated taint"), "{reason}");

    let _gate = Gate::open(cluster);
    let completed = cluster.api.post(&rayjobs(), &job).expect(201);
    create_pod(cluster, "completed-worker", ray_pod(&completed, "gpu-workers").template).expect(201);
    assert_eq!(node_of(cluster, "completed-worker"), GPU);
    unschedulable_because(cluster, "raw-worker");
}

/// The same worker with limits below its requests: refused as Flyte left it, accepted once repaired.
pub(crate) fn only_the_repaired_worker_is_accepted(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for seed in ["seed-01", "seed-08"] {
        let job = load(seed);
        assert_eq!(
            create_pod(cluster, "raw-worker", ray_pod(&job, "gpu-workers").template).code,
            422,
            "{seed}"
        );
        let repaired = gate.probe(&job).expect(201);
        let worker = ray_pod(&repaired, "gpu-workers");
        assert_eq!(worker.container()["resources"]["limits"]["memory"], "32Gi", "{seed}");
        create_pod(cluster, seed, worker.template).expect(201);
    }
}
