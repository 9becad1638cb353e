//! What raygate adds to a RayJob on its way into the cluster, read back from where it is stored.

use serde_json::{Value, json};

use crate::cluster::{Cluster, rayjobs};
use crate::gate::{APPLIED, Gate};
use crate::rayjobs::{NVIDIA, PodKind, all, load, name, ray_pod, ray_pods, submitter};

/// Each RayJob of Flyte ends up able to start, wherever its author left something out.
pub(crate) fn every_rayjob_is_completed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    for (file, job) in all() {
        let answer = cluster.api.post(&rayjobs(), &job);
        assert_eq!(answer.code, 201, "{file}: {answer}");
        let stored = cluster.rayjob(name(&job)).expect(200);
        for pod in ray_pods(&stored) {
            let place = format!("{file} {}", pod.role);
            assert_shared_memory(&pod, &place);
            assert_probes(&pod, &place);
            assert_eq!(
                pod.gpu_tolerations().len(),
                usize::from(pod.wants_gpu()),
                "{place}: {:#}",
                pod.template
            );
            assert_ne!(
                pod.container()["resources"]["limits"]["memory"],
                "500Mi",
                "{place} cannot start Ray"
            );
        }
        assert_submitter(&submitter(&stored), &file);
        assert_eq!(stored["spec"]["shutdownAfterJobFinishes"], true, "{file}");
        let ttl = match job["spec"]["ttlSecondsAfterFinished"].as_i64() {
            None | Some(0) => 300,
            Some(chosen) => chosen,
        };
        assert_eq!(stored["spec"]["ttlSecondsAfterFinished"], ttl, "{file}");
        let applied = stored["metadata"]["annotations"][APPLIED].as_str().unwrap_or_default();
        assert!((1..=4096).contains(&applied.len()), "{file}: {applied}");
        cluster.clear();
    }
}

/// What was repaired, and not only completed, is said in a warning. One job needs no repair.
pub(crate) fn a_repair_is_said_in_a_warning(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for (file, job) in all() {
        let answer = gate.probe(&job);
        assert_eq!(answer.code, 201, "{file}: {answer}");
        let repaired = !file.starts_with("seed-02");
        assert!(
            !repaired || answer.warnings.iter().any(|it| !it.starts_with("unknown field")),
            "{file} has no warning"
        );
    }
}

/// This author mounted /dev/shm, chose a node and tolerated its taint: raygate has nothing to say about that.
pub(crate) fn what_the_author_wrote_stands(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let job = load("seed-04-");
    let stored = gate.probe(&job).expect(201);
    let (written, stored) = (ray_pod(&job, "gpu-workers"), ray_pod(&stored, "gpu-workers"));
    for field in ["volumes", "nodeSelector", "tolerations"] {
        assert_eq!(
            stored.template["spec"][field], written.template["spec"][field],
            "{field}"
        );
    }
    assert_eq!(stored.container()["volumeMounts"], written.container()["volumeMounts"]);
    assert_eq!(stored.container()["resources"], written.container()["resources"]);
}

/// A job that never says when its cluster goes away would keep its nodes for ever.
pub(crate) fn a_job_without_an_end_gets_one(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let mut job = load("seed-02");
    for field in ["shutdownAfterJobFinishes", "ttlSecondsAfterFinished"] {
        job["spec"].as_object_mut().expect("a spec").remove(field);
    }
    let stored = gate.probe(&job).expect(201);
    assert_eq!(stored["spec"]["shutdownAfterJobFinishes"], true);
    assert_eq!(stored["spec"]["ttlSecondsAfterFinished"], 300);
}

/// The gate is asked again whenever another webhook changes the job: then it must find nothing left to do.
pub(crate) fn a_completed_job_is_left_as_it_is(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for (file, job) in all() {
        let once = gate.probe(&job).expect(201);
        let metadata = json!({
            "name": name(&job),
            "labels": once["metadata"]["labels"],
            "annotations": once["metadata"]["annotations"],
        });
        let again = json!({"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": metadata, "spec": once["spec"]});
        let twice = gate.probe(&again).expect(201);
        assert_eq!(twice["spec"], once["spec"], "{file}");
        assert_eq!(
            twice["metadata"]["annotations"], once["metadata"]["annotations"],
            "{file}"
        );
    }
}

fn assert_shared_memory(pod: &PodKind<'_>, place: &str) {
    let mounts = pod.container()["volumeMounts"].as_array().into_iter().flatten();
    let mounts: Vec<_> = mounts.filter(|mount| mount["mountPath"] == "/dev/shm").collect();
    assert_eq!(
        mounts.len(),
        1,
        "{place}: one mount at /dev/shm: {:#}",
        pod.container()["volumeMounts"]
    );
    let volumes = pod.template["spec"]["volumes"].as_array().into_iter().flatten();
    let volume = volumes
        .filter(|volume| volume["name"] == mounts[0]["name"])
        .collect::<Vec<_>>();
    assert_eq!(
        volume.len(),
        1,
        "{place}: one volume for it: {:#}",
        pod.template["spec"]["volumes"]
    );
    assert_eq!(volume[0]["emptyDir"]["medium"], "Memory", "{place}");
    assert!(
        volume[0]["emptyDir"]["sizeLimit"].is_string(),
        "{place}: {:#}",
        volume[0]
    );
}

fn assert_probes(pod: &PodKind<'_>, place: &str) {
    for probe in ["livenessProbe", "readinessProbe"] {
        let probe = &pod.container()[probe];
        let asks = ["httpGet", "exec"].iter().any(|way| probe[way].is_object());
        assert!(asks, "{place}: {probe}");
    }
}

fn assert_submitter(pod: &PodKind<'_>, file: &str) {
    assert!(
        !pod.wants_gpu() && pod.gpu_tolerations().is_empty(),
        "{file}: {:#}",
        pod.template
    );
    let resources: &Value = &pod.container()["resources"];
    assert!(resources["limits"].get(NVIDIA).is_none(), "{file}");
    assert_eq!(
        resources["requests"],
        json!({"cpu": "500m", "memory": "512Mi"}),
        "{file}"
    );
    assert_eq!(resources["limits"], json!({"cpu": "1", "memory": "1Gi"}), "{file}");
    assert_eq!(pod.template["spec"]["restartPolicy"], "Never", "{file}");
}
