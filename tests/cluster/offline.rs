//! `raygate check` says of a file what the cluster does with it.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::gate::{Gate, raygate};
use crate::rayjobs::{all, load, with_duplicate_group};

/// The same object, annotation and warnings, for each RayJob of Flyte.
pub(crate) fn the_command_completes_as_the_cluster_does(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    for (file, job) in all() {
        let online = gate.probe(&job);
        let offline = check(cluster, &job);
        assert_eq!(offline["allowed"], true, "{file}: {offline:#}");
        assert_same(
            &online.body["spec"],
            &offline["object"]["spec"],
            &format!("{file}: spec"),
        );
        assert_eq!(annotations(&online.body), annotations(&offline["object"]), "{file}");
        let warnings: Vec<_> = offline["warnings"].as_array().into_iter().flatten().collect();
        let seen = online
            .warnings
            .iter()
            .filter(|warning| !warning.starts_with("unknown field"));
        assert_eq!(warnings, seen.collect::<Vec<_>>(), "{file}");
    }
}

/// The annotations, but for the fingerprints of what the webhook received: the API server has filled in the CRD's
/// defaults by then.
fn annotations(object: &Value) -> Value {
    const APPLIED: &str = "raygate.dev/applied";
    let mut annotations = object["metadata"]["annotations"].clone();
    if let Some(applied) = annotations[APPLIED].as_str() {
        let mut record: Value = serde_json::from_str(applied).expect("the record is JSON");
        let received = record.as_object_mut().expect("an object").remove("received");
        assert!(received.is_some(), "{applied}");
        annotations[APPLIED] = record;
    }
    annotations
}

/// The same findings, for a RayJob that is refused.
pub(crate) fn the_command_refuses_as_the_cluster_does(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let job = with_duplicate_group(load("seed-02"));
    let online = gate.probe(&job).expect(403);
    let offline = check(cluster, &job);
    assert_eq!(offline["allowed"], false, "{offline:#}");
    let of = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let causes: Vec<Value> = of(&online["details"]["causes"])
        .iter()
        .map(|cause| cause["reason"].clone())
        .collect();
    let denying: Vec<Value> = of(&offline["findings"])
        .iter()
        .filter(|finding| finding["action"] == "Deny")
        .map(|finding| finding["code"].clone())
        .collect();
    assert_eq!(causes, denying, "{offline:#}");
}

/// What `raygate check` prints for a RayJob.
fn check(cluster: &Cluster, job: &Value) -> Value {
    let file = cluster.folder().join("rayjob.json");
    fs::write(&file, job.to_string()).expect("write a RayJob");
    let mut command = Command::new(raygate());
    let output = command
        .env_clear()
        .args(["check", "--output", "jsonl"])
        .arg(&file)
        .output()
        .expect("run raygate check");
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().find_map(|line| serde_json::from_str(line).ok());
    found.unwrap_or_else(|| panic!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The stored object holds what the command printed, and nothing else. An older version of KubeRay's CRD may drop what
/// it does not know.
#[track_caller]
fn assert_same(stored: &Value, printed: &Value, path: &str) {
    match (stored, printed) {
        (Value::Object(stored), Value::Object(printed)) => {
            for (key, value) in stored {
                match printed.get(key) {
                    Some(other) => assert_same(value, other, &format!("{path}.{key}")),
                    // The CRD's default for a port, and the only one that nothing in raygate depends on.
                    None if key == "protocol" && value == "TCP" => {}
                    None => panic!("{path}.{key} is stored, and not printed: {value}"),
                }
            }
            let dropped: Vec<_> = printed.keys().filter(|key| !stored.contains_key(*key)).collect();
            let foreign_crd = std::env::var_os("RAYGATE_RAY_CRDS").is_some();
            assert!(
                dropped.is_empty() || foreign_crd,
                "{path}: {dropped:?} is printed, and not stored"
            );
        }
        (Value::Array(stored), Value::Array(printed)) => {
            assert_eq!(stored.len(), printed.len(), "{path}");
            for (index, (stored, printed)) in stored.iter().zip(printed).enumerate() {
                assert_same(stored, printed, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(stored, printed, "{path}"),
    }
}
