//! What operators see of policies in Preview and of exemptions: the metrics of a server that answers real reviews.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use raygate::metrics::Metrics;
use raygate::reload::policies::PolicyFiles;
use raygate::server::CertificateSource;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::connect;
use crate::harness::{limits, start_shared};

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

#[tokio::test(flavor = "multi_thread")]
async fn previews_and_exemptions_are_counted() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("policies.yaml"), POLICIES).unwrap();
    let metrics = Arc::new(Metrics::new());
    let (_, gate) = PolicyFiles::start(vec![dir.path().to_owned()], false, Arc::clone(&metrics)).unwrap();
    let server = start_shared(
        gate as _,
        metrics,
        limits(),
        CertificateSource::InMemory,
        Duration::ZERO,
    )
    .await;

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-01-gpu-training.json");
    let object: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "7f3c", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": "CREATE",
            "namespace": "mlplatform-production", "name": object["metadata"]["name"], "object": object,
        },
    })
    .to_string();
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
