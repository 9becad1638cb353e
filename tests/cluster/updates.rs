//! What may still happen to a RayJob that is in the cluster.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cluster::{Cluster, rayjob, rayjobs};
use crate::denial::assert_denied;
use crate::gate::Gate;
use crate::rayjobs::{load, name, named, ray_pod, with_duplicate_group};
use crate::reach::KUEUE;

/// KubeRay's own finalizer: a job that cannot lose it stays for ever.
const FINALIZER: &str = "ray.io/rayjob-finalizer";

/// A job that raygate would refuse, stored before raygate came: it can be labelled and deleted, and nothing else.
pub(crate) fn a_job_from_before_the_gate_can_be_deleted(cluster: &Cluster) {
    let path = create_with_finalizer(cluster, with_duplicate_group(load("seed-02")));
    let _gate = Gate::open(cluster);
    cluster
        .api
        .merge_patch(&path, &json!({"metadata": {"labels": {"seen": "yes"}}}))
        .expect(200);
    assert_deletable(cluster, &path);
}

/// The same for a job that the gate let in, and that a newer policy would refuse.
pub(crate) fn a_job_that_breaks_a_newer_policy_can_be_deleted(cluster: &Cluster) {
    let job = load("seed-02");
    let gate = Gate::open(cluster);
    let path = create_with_finalizer(cluster, job.clone());
    drop(gate);

    let newer = tempfile::tempdir_in(cluster.folder()).expect("create a folder for the policy");
    let policy = "apiVersion: raygate.dev/v1beta1\n\
                  kind: RayPolicy\n\
                  metadata: {name: small-jobs-only}\n\
                  spec:\n\
                  \x20 description: Nobody takes more than one GPU.\n\
                  \x20 match: {}\n\
                  \x20 limits: {maxGpusPerJob: 1}\n";
    fs::write(newer.path().join("small-jobs-only.yaml"), policy).expect("write the policy");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let gate = Gate::open_with_policies(cluster, &[shipped, newer.path().to_owned()]);
    assert_denied(&gate.probe(&named(job, "another")));
    cluster
        .api
        .merge_patch(&path, &json!({"metadata": {"annotations": {"seen": "yes"}}}))
        .expect(200);
    assert_deletable(cluster, &path);
}

/// What KubeRay reports is none of raygate's business.
pub(crate) fn kuberay_can_report_the_status(cluster: &Cluster) {
    let path = create_with_finalizer(cluster, with_duplicate_group(load("seed-02")));
    let _gate = Gate::open(cluster);
    let status = json!({"status": {"jobDeploymentStatus": "Running"}});
    let updated = cluster.api.merge_patch(&format!("{path}/status"), &status).expect(200);
    assert_eq!(updated["status"]["jobDeploymentStatus"], "Running");
}

/// Kueue suspends a job, and places its pods when it lets the job go.
pub(crate) fn kueue_can_suspend_and_place(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let job = load("seed-02");
    cluster.api.post(&rayjobs(), &job).expect(201);
    let path = rayjob(name(&job));
    let kueue = cluster.as_user(KUEUE, &["system:masters"]);
    kueue
        .merge_patch(&path, &json!({"spec": {"suspend": true}}))
        .expect(200);
    let selector = json!({"flavor": "on-demand"});
    let head = json!({"template": {"spec": {"nodeSelector": selector}}});
    let start = json!({"spec": {"suspend": false, "rayClusterSpec": {"headGroupSpec": head}}});
    let started = kueue.merge_patch(&path, &start).expect(200);
    assert_eq!(ray_pod(&started, "head").template["spec"]["nodeSelector"], selector);
}

/// A group that joins a waiting job is completed like those that came with it.
pub(crate) fn a_group_added_to_a_suspended_job_is_completed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let mut job = load("seed-02");
    job["spec"]["suspend"] = json!(true);
    let mut late = job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    late["groupName"] = json!("late-workers");
    cluster.api.post(&rayjobs(), &job).expect(201);
    let patch = json!([{"op": "add", "path": "/spec/rayClusterSpec/workerGroupSpecs/-", "value": late}]);
    let updated = cluster.api.json_patch(&rayjob(name(&job)), &patch).expect(200);
    let late = ray_pod(&updated, "late-workers");
    assert!(late.container()["readinessProbe"].is_object(), "{:#}", late.container());
    assert_eq!(late.gpu_tolerations().len(), 1, "{:#}", late.template);
}

/// Stores a RayJob that KubeRay has seen, and returns its path.
pub(crate) fn create_with_finalizer(cluster: &Cluster, mut job: Value) -> String {
    job["metadata"]["finalizers"] = json!([FINALIZER]);
    cluster.api.post(&rayjobs(), &job).expect(201);
    rayjob(name(&job))
}

/// Deletes as a user does, then removes the finalizer as KubeRay does.
#[track_caller]
pub(crate) fn assert_deletable(cluster: &Cluster, path: &str) {
    cluster.api.delete(path).expect(200);
    let waiting = cluster.api.get(path).expect(200);
    assert!(
        waiting["metadata"]["deletionTimestamp"].is_string(),
        "{:#}",
        waiting["metadata"]
    );
    cluster
        .api
        .merge_patch(path, &json!({"metadata": {"finalizers": null}}))
        .expect(200);
    assert_eq!(cluster.api.get(path).code, 404);
}
