//! Every way to write a RayJob goes through the gate.

use serde_json::{Value, json};

use crate::api::{Answer, ApplyYaml};
use crate::cluster::{Cluster, rayjob, rayjobs, rayjobs_in};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate};
use crate::rayjobs::{load, name, ray_pods, with_duplicate_group};

pub(crate) fn server_side_apply(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let job = load("seed-02");
    let path = rayjob(name(&job));
    assert_completed(&cluster.api.apply_yaml(&path, &job.to_string(), ApplyYaml::Store), 201);

    let bad = with_duplicate_group(load("seed-03"));
    assert_denied(
        &cluster
            .api
            .apply_yaml(&rayjob(name(&bad)), &bad.to_string(), ApplyYaml::Store),
    );
    assert_eq!(cluster.rayjob(name(&bad)).code, 404);
}

/// Applying a file again changes nothing that the author chose: it must never be refused, not even where the author's
/// own words alone would be.
pub(crate) fn applying_the_same_file_again(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    for seed in ["seed-01", "seed-02"] {
        let job = load(seed);
        let path = rayjob(name(&job));
        cluster
            .api
            .apply_yaml(&path, &job.to_string(), ApplyYaml::Store)
            .expect(201);
        let again = cluster.api.apply_yaml(&path, &job.to_string(), ApplyYaml::Store);
        assert_eq!(again.code, 200, "{seed}: {again}");
    }
}

pub(crate) fn merge_patch(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let path = create(cluster, &load("seed-02"));
    cluster
        .api
        .merge_patch(&path, &json!({"metadata": {"labels": {"seen": "yes"}}}))
        .expect(200);
    let groups =
        &with_duplicate_group(cluster.api.get(&path).expect(200))["spec"]["rayClusterSpec"]["workerGroupSpecs"];
    let patch = json!({"spec": {"rayClusterSpec": {"workerGroupSpecs": groups}}});
    assert_denied(&cluster.api.merge_patch(&path, &patch));
}

pub(crate) fn json_patch(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let path = create(cluster, &load("seed-02"));
    cluster
        .api
        .json_patch(
            &path,
            &json!([{"op": "add", "path": "/metadata/labels/seen", "value": "yes"}]),
        )
        .expect(200);
    let group = &cluster.api.get(&path).expect(200)["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
    let patch = json!([{"op": "add", "path": "/spec/rayClusterSpec/workerGroupSpecs/-", "value": group}]);
    assert_denied(&cluster.api.json_patch(&path, &patch));
}

pub(crate) fn replace(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let path = create(cluster, &load("seed-02"));
    let stored = cluster.api.get(&path).expect(200);
    let replaced = cluster.api.put(&path, &stored).expect(200);
    assert_denied(&cluster.api.put(&path, &with_duplicate_group(replaced)));
}

/// The webhook is registered for v1 alone, and the older version comes to it converted.
pub(crate) fn v1alpha1(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let old = |mut job: Value| {
        job["apiVersion"] = json!("ray.io/v1alpha1");
        cluster.api.post(&rayjobs_in("v1alpha1"), &job)
    };
    assert_completed(&old(load("seed-01")), 201);
    let stored = cluster.rayjob(name(&load("seed-01")));
    assert_completed(&stored, 200);
    assert_denied(&old(with_duplicate_group(load("seed-03"))));
}

/// A dry run shows what would be stored, and stores nothing.
pub(crate) fn dry_run(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let job = load("seed-02");
    assert_completed(&gate.probe(&job), 201);
    assert_denied(&gate.probe(&with_duplicate_group(job.clone())));
    assert_eq!(cluster.rayjob(name(&job)).code, 404);
}

/// Stores a RayJob, and returns its path.
fn create(cluster: &Cluster, job: &Value) -> String {
    cluster.api.post(&rayjobs(), job).expect(201);
    rayjob(name(job))
}

#[track_caller]
fn assert_completed(answer: &Answer, code: u16) {
    assert_eq!(answer.code, code, "{answer}");
    assert!(
        answer.body["metadata"]["annotations"][APPLIED].is_string(),
        "{:#}",
        answer.body["metadata"]
    );
    for pod in ray_pods(&answer.body) {
        assert!(
            pod.container()["readinessProbe"].is_object(),
            "{}: {:#}",
            pod.role,
            pod.container()
        );
    }
}
