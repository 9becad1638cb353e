//! What operators see of policies in Preview and of exemptions: the metrics of a server that answers real reviews.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use raygate::metrics::Metrics;
use raygate::reload;
use raygate::reload::policies::{Accept, PolicyFiles};
use raygate::server::CertificateSource;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::connect;
use crate::command::Raygate;
use crate::harness::{Running, eventually, limits, start_shared};

/// A policy, the same in Preview but stricter, and two exemptions: one for long, one that has ended.
const POLICIES: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  limits: {maxPodsPerJob: 1}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: next}
spec:
  mode: Preview
  match: {}
  priority: 1
  defaults: {lifecycle: {activeDeadlineSeconds: 3600}}
  rules: [{name: owned, require: has(object.metadata.labels.owner), message: no owner}]
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: hero}
spec:
  match: {namespaces: [mlplatform-production]}
  raise: {maxPodsPerJob: 100}
  owner: ml-platform
  reason: a test
  expires: 9000-12-31
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: past}
spec:
  match: {namespaces: [mlplatform-production]}
  waive: [RG507]
  owner: ml-platform
  reason: a test
  expires: 2020-12-31
";

async fn serve(dir: &TempDir) -> Running {
    let metrics = Arc::new(Metrics::new());
    let (follower, gate) =
        PolicyFiles::start(vec![dir.path().to_owned()], Accept::default(), Arc::clone(&metrics)).unwrap();
    tokio::spawn(reload::follow(follower, Duration::from_millis(5)));
    start_shared(
        gate as _,
        metrics,
        limits(),
        CertificateSource::InMemory,
        Duration::ZERO,
    )
    .await
}

fn review() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-01-gpu-training.json");
    let object: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "7f3c", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": "CREATE",
            "namespace": "mlplatform-production", "name": object["metadata"]["name"], "object": object,
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_and_exemptions_are_counted() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("policies.yaml"), POLICIES).unwrap();
    let server = serve(&dir).await;
    let review = review().to_string();
    let mut connection = connect(&server).await;
    for target in ["/mutate", "/validate"] {
        let answer = connection.post(target, review.as_bytes()).await;
        assert_eq!(answer.status, 200);
    }
    let metrics = server.metrics().await;
    for line in [
        "raygate_preview_reviews_total{endpoint=\"mutate\",policy=\"next\"} 1",
        "raygate_preview_reviews_total{endpoint=\"validate\",policy=\"next\"} 1",
        "raygate_preview_effects_total{policy=\"next\",code=\"lifecycle\",effect=\"Change\"} 1",
        "raygate_preview_effects_total{policy=\"next\",code=\"rule/owned\",effect=\"Deny\"} 1",
        "raygate_exemption_uses_total{exemption=\"hero\"} 1",
        "raygate_exemptions_expired 1",
        "raygate_exemption_expiry_timestamp_seconds{exemption=\"past\"} 1609459200",
    ] {
        assert!(metrics.lines().any(|held| held == line), "{line} is not in:\n{metrics}");
    }
    assert!(
        !metrics.contains("exemption_uses_total{exemption=\"past\"}"),
        "{metrics}"
    );
}

/// The series of a scrape, without their values.
fn series(metrics: &str) -> BTreeSet<&str> {
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split(" # ").next()?.rsplit_once(' '))
        .map(|(series, _)| series)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_series_of_a_policy_end_with_it() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("policies.yaml");
    let named = |reload: usize| {
        ["base", "next", "hero", "past", "owned"]
            .iter()
            .fold(POLICIES.to_owned(), |text, name| {
                text.replace(&format!("name: {name}"), &format!("name: {name}-{reload}"))
            })
    };
    fs::write(&file, named(0)).unwrap();
    let server = serve(&dir).await;
    let review = review().to_string();
    let mut connection = connect(&server).await;
    let mut counts = BTreeSet::new();
    for reload in 0..10 {
        fs::write(&file, named(reload)).unwrap();
        let in_use = format!("exemption_expiry_timestamp_seconds{{exemption=\"hero-{reload}\"}} ");
        eventually("the new policies", async || server.metrics().await.contains(&in_use)).await;
        for target in ["/mutate", "/validate"] {
            assert_eq!(connection.post(target, review.as_bytes()).await.status, 200);
        }
        let metrics = server.metrics().await;
        for named in [
            "preview_reviews_total{endpoint=\"mutate\",policy=\"next-",
            "preview_effects_total{policy=\"next-",
            "code=\"rule/owned-",
            "exemption_uses_total{exemption=\"hero-",
        ] {
            let series: Vec<_> = metrics.lines().filter(|line| line.contains(named)).collect();
            let is_new = |line: &&str| line.contains(&format!("{named}{reload}\""));
            assert!(
                !series.is_empty() && series.iter().all(is_new),
                "{named}{reload}: {series:#?}"
            );
        }
        counts.insert(series(&metrics).len());
    }
    assert_eq!(counts.len(), 1, "as many series after each reload: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_request_becomes_a_series() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("policies.yaml"), POLICIES).unwrap();
    let server = serve(&dir).await;
    let mut connection = connect(&server).await;
    let words = |nth: usize| {
        let hostile = format!("hostile-{nth}\"}} 1\n#");
        let changes: [(&str, Value); 15] = [
            ("/request/uid", json!(hostile)),
            ("/request/operation", json!(hostile)),
            ("/request/namespace", json!(hostile)),
            ("/request/name", json!(hostile)),
            (
                "/request/userInfo",
                json!({"username": hostile, "uid": hostile, "groups": [hostile]}),
            ),
            (
                "/request/kind",
                json!({"group": hostile, "version": hostile, "kind": hostile}),
            ),
            (
                "/request/resource",
                json!({"group": hostile, "version": hostile, "resource": hostile}),
            ),
            ("/request/subResource", json!(hostile)),
            ("/request/object/kind", json!(hostile)),
            ("/request/object/metadata/name", json!(hostile)),
            ("/request/object/metadata/labels/domain", json!(hostile)),
            (
                "/request/object/metadata/annotations",
                json!({"raygate.dev/skip": hostile, "raygate.dev/applied": hostile}),
            ),
            ("/request/object/spec/rayClusterSpec/rayVersion", json!(hostile)),
            ("/request/object/spec/submissionMode", json!(hostile)),
            (
                "/request/object/spec/rayClusterSpec/workerGroupSpecs/0/groupName",
                json!(hostile),
            ),
        ];
        changes
    };
    let mut send = async |nth: usize| {
        for (pointer, value) in words(nth) {
            let mut review = review();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            review.pointer_mut(parent).unwrap()[key] = value;
            for target in ["/mutate", "/validate"] {
                connection.post(target, review.to_string().as_bytes()).await;
            }
        }
        // What is no review at all.
        for target in [format!("/hostile-{nth}"), format!("/mutate?timeout=hostile-{nth}")] {
            let mut own = connect(&server).await;
            own.post(&target, format!("hostile-{nth}").as_bytes()).await;
        }
        server.metrics().await
    };
    // Each kind of request once: it may be the first of a verdict, code or status that raygate has words for.
    let first = send(0).await;
    let mut last = String::new();
    for nth in 1..3 {
        last = send(nth).await;
    }
    assert_eq!(series(&first), series(&last));
    assert!(!last.contains("hostile"), "{last}");
}

/// Policies of which one has a typo, and an empty file.
fn broken() -> TempDir {
    let dir = TempDir::new().unwrap();
    let typo = POLICIES.replacen("maxPodsPerJob", "maxPodz", 1);
    fs::write(dir.path().join("policies.yaml"), typo).unwrap();
    fs::write(dir.path().join("empty.yaml"), "").unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn fallback_is_a_variable_that_can_be_turned_off() {
    let dir = broken();
    let raygate = |fallback: Option<&str>| {
        Raygate::serve(|command| {
            command.arg("--policies").arg(dir.path());
            command.envs(fallback.map(|value| ("RAYGATE_FALLBACK", value)));
        })
    };
    for off in [None, Some("false"), Some("0"), Some("no"), Some("")] {
        assert_eq!(raygate(off).ended().await.code(), Some(3), "{off:?}");
    }
    for on in ["true", "1"] {
        let raygate = raygate(Some(on));
        for document in ["file", "RayPolicy `base`"] {
            let line = raygate
                .until_logged("policy document left out: it is not enforced")
                .await;
            assert_eq!(
                (&line["level"], &line["document"]),
                (&"ERROR".into(), &document.into()),
                "{line}"
            );
            assert!(
                line["line"].as_u64().is_some() && line["error"].as_str().is_some(),
                "{line}"
            );
        }
        raygate.serving().await;
    }
}

#[test]
fn every_mistake_is_printed_where_broken_files_are_not_accepted() {
    let output = |directory: &Path, with: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raygate"));
        command.args([
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--metrics-bind",
            "127.0.0.1:0",
            "--policies",
        ]);
        let output = command.arg(directory).args(with).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let dir = broken();
    let (code, text) = output(dir.path(), &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("RP215") && text.contains("maxPodz"), "{text}");
    let empty = TempDir::new().unwrap();
    let (code, text) = output(empty.path(), &[]);
    assert!(
        code == Some(3) && text.contains("there is no policy file below"),
        "{text}"
    );
    let (path, flag) = (text.find("check the path"), text.find("--allow-empty"));
    assert!(path.is_some() && path < flag, "{text}");
    fs::write(empty.path().join("caps.yml"), "").unwrap();
    let (code, text) = output(empty.path(), &[]);
    assert!(
        code == Some(3) && text.contains("RP216") && text.contains("caps.yml"),
        "{text}"
    );
    let missing = empty.path().join("none");
    let (code, text) = output(&missing, &[]);
    assert!(code == Some(2) && text.contains("cannot read"), "{text}");
    for directory in [dir.path(), empty.path(), &missing] {
        for format in ["json", "text"] {
            let (_, text) = output(directory, &["--log-format", format]);
            let last = text.lines().last().unwrap();
            let hint = "raygate did not start; fix the files, or set RAYGATE_FALLBACK=true";
            assert!(last.contains(hint), "{text}");
            let line: Option<Value> = serde_json::from_str(last).ok();
            assert_eq!(
                line.is_some_and(|line| line["level"] == "ERROR"),
                format == "json",
                "{last}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_no_document_and_the_same_policies_are_not_replaced() {
    let dir = TempDir::new().unwrap();
    let [own, other] = ["own", "other"].map(|name| dir.path().join(name));
    fs::create_dir(&own).unwrap();
    fs::write(own.join("policies.yaml"), POLICIES).unwrap();
    let raygate = Raygate::serve(|command| {
        command.arg("--policies").arg(&own).arg("--policies").arg(&other);
        command.args(["--fallback", "--poll", "10ms"]);
    });
    let line = raygate
        .until_logged("not read: the policies in it are not enforced")
        .await;
    assert_eq!(
        (&line["level"], line["path"].as_str(), &line["document"]),
        (&"ERROR".into(), other.to_str(), &Value::Null),
        "{line}"
    );
    raygate.serving().await;
    fs::create_dir(&other).unwrap();
    raygate
        .until_logged("the policy files changed and are valid, the policies stay the same")
        .await;
}
