//! Every way to write a RayJob goes through the gate.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::api::{Answer, ApplyYaml};
use crate::cluster::{Cluster, rayjob, rayjobs, rayjobs_in};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate};
use crate::kubectl::kubectl;
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

/// Applying a file again changes nothing: not while the job waits, not while it runs, not under newer policies.
pub(crate) fn applying_the_same_file_again(cluster: &Cluster) {
    let newer = tempfile::tempdir_in(cluster.folder()).expect("create a folder for the policy");
    let policy = "apiVersion: raygate.dev/v1beta1\n\
                  kind: RayPolicy\n\
                  metadata: {name: newer}\n\
                  spec: {match: {}, priority: 5, defaults: {readiness: Wget, pods: {labels: {team: x}}}}\n";
    fs::write(newer.path().join("newer.yaml"), policy).expect("write the policy");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for seed in ["seed-01", "seed-02", "seed-05"] {
        let job = load(seed);
        let path = rayjob(name(&job));
        let again = |when: &str, first: &Value| {
            let again = cluster.api.apply_yaml(&path, &job.to_string(), ApplyYaml::Store);
            let again = again.expect(200);
            assert_eq!(again["spec"], first["spec"], "{seed}, {when}");
            assert_eq!(
                again["metadata"]["generation"], first["metadata"]["generation"],
                "{seed}, {when}"
            );
        };
        let gate = Gate::open(cluster);
        let first = cluster
            .api
            .apply_yaml(&path, &job.to_string(), ApplyYaml::Store)
            .expect(201);
        again("not yet started", &first);
        let running = json!({"status": {"rayClusterName": "train-abcde"}});
        cluster.api.merge_patch(&format!("{path}/status"), &running).expect(200);
        again("running", &first);
        drop(gate);
        let _gate = Gate::open_with_policies(cluster, &[shipped.clone(), newer.path().to_owned()]);
        again("running, under newer policies", &first);
        cluster.api.delete(&path).expect(200);
    }
}

/// The same with kubectl, which sends only what differs from the stored object.
pub(crate) fn kubectl_applies_the_same_file_again(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    let _gate = Gate::open(cluster);
    for seed in ["seed-01", "seed-02", "seed-05"] {
        let job = load(seed);
        let file = cluster.folder().join("applied.json");
        fs::write(&file, job.to_string()).expect("write a RayJob");
        let run = |command: &str| {
            let mut run = Command::new(&kubectl);
            run.arg(command)
                .arg("--kubeconfig")
                .arg(cluster.kubeconfig())
                .arg("--filename")
                .arg(&file);
            let output = run.output().expect("run kubectl");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success(),
                "{seed}: {command}: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            text
        };
        run("apply");
        let path = rayjob(name(&job));
        let first = cluster.api.get(&path).expect(200);
        let running = json!({"status": {"rayClusterName": "train-abcde"}});
        cluster.api.merge_patch(&format!("{path}/status"), &running).expect(200);
        assert_eq!(run("diff"), "", "{seed}");
        run("apply");
        let again = cluster.api.get(&path).expect(200);
        assert_eq!(again["spec"], first["spec"], "{seed}");
        assert_eq!(
            again["metadata"]["generation"], first["metadata"]["generation"],
            "{seed}"
        );
        cluster.api.delete(&path).expect(200);
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
