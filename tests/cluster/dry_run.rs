//! `raygate check --server-dry-run` reports what the API server says of the pods that KubeRay would create.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use raygate::ray::kind::KINDS;
use serde_json::{Value, json};

use crate::cluster::{Cluster, NAMESPACE, pods};
use crate::gate::raygate;
use crate::process::wait_for;
use crate::rayjobs::{all, as_kind, load, minimal};

fn check(kubeconfig: &Path, folder: &Path, object: &Value) -> Output {
    let file = folder.join("object.json");
    fs::write(&file, serde_json::to_string_pretty(object).expect("JSON")).expect("write an object");
    Command::new(raygate())
        .env_clear()
        .args([
            "check",
            "--server-dry-run",
            "--output",
            "jsonl",
            "--only",
            "RG9",
            "--kubeconfig",
        ])
        .arg(kubeconfig)
        .arg(&file)
        .output()
        .expect("run raygate check")
}

/// The findings of the API server: path, action and message of each.
#[track_caller]
fn rejected(cluster: &Cluster, object: &Value) -> Vec<(String, String, String)> {
    let output = check(&cluster.kubeconfig(), cluster.folder(), object);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
    let findings = answer["findings"].as_array().expect("findings");
    let by_server = findings.iter().filter(|finding| finding["code"] == "RG900");
    let texts =
        |finding: &Value| ["path", "action", "message"].map(|key| finding[key].as_str().unwrap_or_default().to_owned());
    let found: Vec<_> = by_server
        .map(texts)
        .map(|[path, action, message]| (path, action, message))
        .collect();
    assert_eq!(
        answer["allowed"],
        json!(found.iter().all(|(_, action, _)| action != "Deny")),
        "{answer:#}"
    );
    found
}

/// A job of the namespace.
fn job(name: &str) -> Value {
    let mut job = minimal(name);
    job["metadata"]["namespace"] = NAMESPACE.into();
    job
}

pub(crate) fn the_pods_of_every_rayjob_are_accepted(cluster: &Cluster) {
    for (file, mut job) in all() {
        job["metadata"]["namespace"] = NAMESPACE.into();
        assert_eq!(rejected(cluster, &job), [], "{file}");
    }
    for kind in KINDS {
        let mut object = as_kind(kind, &load("seed-03"));
        object["metadata"]["namespace"] = NAMESPACE.into();
        assert_eq!(rejected(cluster, &object), [], "{}", kind.name);
    }
    let pods = cluster.api.get(&pods()).expect(200);
    assert_eq!(pods["items"], json!([]), "a dry run creates nothing");
}

pub(crate) fn what_the_api_server_rejects_is_reported(cluster: &Cluster) {
    let mut object = job("broken");
    let ray = &mut object["spec"]["rayClusterSpec"];
    ray["headGroupSpec"]["template"]["spec"]["priorityClassName"] = "missing".into();
    ray["workerGroupSpecs"][0]["replicas"] = 1.into();
    ray["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "data", "mountPath": "/data"}]);
    ray["headGroupSpec"]["headService"] = json!({"metadata": {"name": "Head"}});
    let submitter = json!({"name": "submit", "image": "rayproject/ray:2.52.1"});
    object["spec"]["submitterPodTemplate"] = json!({"spec": {"restartPolicy": "Never", "containers": [submitter]}});
    object["spec"]["submitterConfig"] = json!({"backoffLimit": -1});
    let found = rejected(cluster, &object);
    for (path, text) in [
        (
            "spec.rayClusterSpec.headGroupSpec.template",
            "head: the API server rejects its pod: pods \"broken-xxxxx-head-",
        ),
        (
            "spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers[0].volumeMounts[0].name",
            "group `workers`: the API server rejects its pod: spec.containers[0].volumeMounts[0].name: Not found: \"data\"",
        ),
        (
            "spec.rayClusterSpec.headGroupSpec.headService.metadata.name",
            "head: the API server rejects its Service: metadata.name: Invalid value: \"Head\"",
        ),
        (
            "spec.submitterConfig.backoffLimit",
            "submitter: the API server rejects its Job: spec.backoffLimit: Invalid value: -1",
        ),
    ] {
        let is_it = |(at, action, message): &(String, String, String)| {
            at == path && action == "Deny" && message.starts_with(text)
        };
        assert!(found.iter().any(is_it), "{path} {text}: {found:#?}");
    }
    assert_eq!(found.len(), 4, "each is reported once: {found:#?}");
}

/// A quota that is used up may be free again when KubeRay comes.
pub(crate) fn an_exhausted_quota_only_warns(cluster: &Cluster) {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/resourcequotas");
    let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}, "status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}});
    cluster.api.post(&path, &quota).expect(201);
    let quota_status = json!({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}});
    cluster
        .api
        .merge_patch(&format!("{path}/none/status"), &quota_status)
        .expect(200);
    let found = wait_for("the quota to count", || {
        let found = rejected(cluster, &job("large"));
        if found.is_empty() {
            Err("no pod is rejected")
        } else {
            Ok(found)
        }
    });
    cluster.api.delete(&format!("{path}/none")).expect(200);
    for (_, action, message) in &found {
        assert_eq!(action, "Warn", "{message}");
        assert!(message.contains("exceeded quota: none"), "{message}");
    }
}

pub(crate) fn who_may_not_create_pods_is_told(cluster: &Cluster) {
    let kubeconfig = cluster.kubeconfig_of("nobody", "no-such-token");
    let output = check(&kubeconfig, cluster.folder(), &job("fine"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    assert!(
        errors.contains(&format!("cannot try the pods of {NAMESPACE}: 401 Unauthorized")),
        "{errors}"
    );
    let mut elsewhere = job("elsewhere");
    elsewhere["metadata"]["namespace"] = "no-such-namespace".into();
    let found = rejected(cluster, &elsewhere);
    assert_eq!(found.len(), 1, "{found:#?}");
    let (path, action, message) = &found[0];
    assert_eq!((&**path, &**action), ("metadata.namespace", "Deny"));
    assert!(
        message.ends_with("namespaces \"no-such-namespace\" not found"),
        "{message}"
    );
}
