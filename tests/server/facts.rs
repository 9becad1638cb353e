//! Facts that change, break and become too old under a running server: they cost findings, and never anything else.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use raygate::facts::MAX_AGE;
use raygate::metrics::Metrics;
use raygate::reload;
use raygate::reload::facts::FactsFile;
use raygate::server::CertificateSource;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{connect, get};
use crate::harness::{Running, eventually, limits, start_shared};

/// Facts of a cluster with one priority class, read so many seconds ago.
fn facts(class: &str, age: i64) -> String {
    let read_at = Timestamp::now() - SignedDuration::from_secs(age);
    json!({"apiVersion": "raygate.dev/v1beta1", "kind": "ClusterFacts", "kinds": {
        "PriorityClass": {"readAt": read_at.to_string(), "items": [{"metadata": {"name": class}}]},
        "LimitRange": {"unknown": "forbidden"},
    }})
    .to_string()
}

/// Writes a file whole, as the observer does.
fn write(file: &Path, text: &str) {
    let beside = file.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, file).unwrap();
}

/// A review of a job that names the class `training`.
fn review() -> Vec<u8> {
    let pod = |name: &str| {
        json!({"spec": {"priorityClassName": "training", "containers": [{"name": name, "image": "ray:1",
            "resources": {"limits": {"cpu": "4", "memory": "16Gi"}}}]}})
    };
    let object = json!({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "a", "namespace": "team"},
        "spec": {"headGroupSpec": {"rayStartParams": {}, "template": pod("head")}}});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "7f3c", "kind": {"group": "ray.io", "version": "v1", "kind": "RayCluster"}, "operation": "CREATE",
        "namespace": "team", "name": "a", "object": object}})
    .to_string()
    .into_bytes()
}

async fn serve(file: &Path) -> (Running, Arc<Gate>) {
    let metrics = Arc::new(Metrics::new());
    let gate = Arc::new(Gate::new(Bundle::embedded()));
    let follower = FactsFile::start(file.to_owned(), Arc::clone(&gate), Arc::clone(&metrics));
    tokio::spawn(reload::follow(follower, Duration::from_millis(5)));
    let reviewer = Arc::clone(&gate) as _;
    let server = start_shared(reviewer, metrics, limits(), CertificateSource::InMemory, Duration::ZERO).await;
    (server, gate)
}

/// Whether the job is denied by the code of the priority class.
fn is_denied(gate: &Gate) -> bool {
    let answer = gate.answer(Endpoint::Validate, &review(), Timestamp::now());
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    let is_named = answer.record.codes.contains(&"RG809");
    assert_eq!(review["response"]["allowed"] == false, is_named, "{review}");
    is_named
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_followed_and_its_answers_are_counted() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("facts.json");
    write(&file, &facts("trainning", 0));
    let (server, gate) = serve(&file).await;
    assert!(is_denied(&gate));
    let mut connection = connect(&server).await;
    assert_eq!(connection.post("/validate", &review()).await.status, 200);
    for (code, answer) in [("RG809", "cannot"), ("RG806", "unknown")] {
        let line = format!("raygate_facts_answers_total{{code=\"{code}\",answer=\"{answer}\"}} 1");
        server.until_metric(&line).await;
    }
    server.until_metric("raygate_facts_broken 0").await;
    let metrics = server.metrics().await;
    assert!(
        metrics.contains("raygate_facts_age_seconds{kind=\"PriorityClass\"} "),
        "{metrics}"
    );
    assert!(
        !metrics.contains("raygate_facts_age_seconds{kind=\"LimitRange\"}"),
        "{metrics}"
    );
    let ready = get(server.admin, "/readyz?verbose").await.body_text();
    assert!(ready.contains("[+] facts: "), "{ready}");
    assert!(ready.contains("LimitRange unknown (forbidden)"), "{ready}");

    write(&file, &facts("training", 0));
    eventually("the new class", async || !is_denied(&gate)).await;
    assert_eq!(connection.post("/validate", &review()).await.status, 200);
    server
        .until_metric("raygate_facts_answers_total{code=\"RG809\",answer=\"fits\"} 1")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_cost_no_readiness_and_no_job() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("facts.json");
    let good = facts("training", 0);
    let bad = [
        ("missing", None),
        ("empty", Some(String::new())),
        ("garbage", Some("{{{".to_owned())),
        ("half", Some(good[..good.len() / 2].to_owned())),
        ("of another version", Some(good.replace("v1beta1", "v9"))),
        ("too large", Some(format!("# {}\n", "x".repeat(17 << 20)))),
        ("a job", Some("{kind: RayJob}".to_owned())),
    ];
    for (what, text) in bad {
        let _ = fs::remove_file(&file);
        if let Some(text) = text {
            write(&file, &text);
        }
        let (server, gate) = serve(&file).await;
        server.until_metric("raygate_facts_broken 1").await;
        assert!(!is_denied(&gate), "{what}");
        assert_eq!(get(server.admin, "/readyz").await.status, 200, "{what}");
        let ready = get(server.admin, "/readyz?verbose").await.body_text();
        assert!(ready.contains("\n[!] facts: "), "{what}: {ready}");
        // Once there is a good file, it is used.
        write(&file, &facts("trainning", 0));
        eventually("the good file", async || is_denied(&gate)).await;
        server.until_metric("raygate_facts_broken 0").await;
        let ready = get(server.admin, "/readyz?verbose").await.body_text();
        assert!(!ready.contains("[!] facts"), "{what}: {ready}");
        // A bad file does not displace it.
        write(&file, "{{{");
        server.until_metric("raygate_facts_broken 1").await;
        assert!(is_denied(&gate), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_finds_nothing_and_what_is_not_recent_only_warns() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("facts.json");
    for (age, codes, is_allowed) in [(MAX_AGE + 60, false, true), (MAX_AGE / 2, true, true), (0, true, false)] {
        write(&file, &facts("trainning", age));
        let (_server, gate) = serve(&file).await;
        let answer = gate.answer(Endpoint::Validate, &review(), Timestamp::now());
        let review: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.record.codes.contains(&"RG809"), codes, "{age}: {review}");
        assert_eq!(review["response"]["allowed"], is_allowed, "{age}: {review}");
    }
}
