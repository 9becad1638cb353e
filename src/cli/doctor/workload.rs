//! The Deployment behind the webhooks.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::Value;

use super::{Findings, list};

const CHECK: &str = "deployment";
/// The label of everything that belongs to raygate.
const LABEL: &str = "labelSelector=app.kubernetes.io%2Fname%3Draygate";

/// Looks for two ready replicas of one image, and their disruption budget. `registered`: a configuration was found.
pub(super) async fn judge(client: &Client, registered: bool, service: Option<(&str, &str)>, findings: &mut Findings) {
    let Some((namespace, _)) = service else {
        if registered {
            findings.note(CHECK, "the webhooks call a URL: raygate runs outside of this cluster");
        }
        return;
    };
    let of = |group: &str, resource: &str| format!("{group}/namespaces/{namespace}/{resource}?{LABEL}");
    match list(client, &of("/apis/apps/v1", "deployments"), "Deployment").await {
        Ok(deployments) => judge_replicas(namespace, deployments.first(), findings),
        Err(error) => findings.unreadable(CHECK, "the Deployment", &error),
    }
    match list(client, &of("/api/v1", "pods"), "Pod").await {
        Ok(pods) => judge_images(namespace, &pods, findings),
        Err(error) => findings.unreadable(CHECK, "the pods", &error),
    }
    match list(
        client,
        &of("/apis/policy/v1", "poddisruptionbudgets"),
        "PodDisruptionBudget",
    )
    .await
    {
        Ok(budgets) if budgets.is_empty() => findings.warning(
            CHECK,
            format!("no PodDisruptionBudget in {namespace}: a drain may take all replicas at once"),
            format!(
                "kubectl --namespace {namespace} create poddisruptionbudget raygate \
                 --selector app.kubernetes.io/name=raygate --max-unavailable 1\n\
                 kubectl --namespace {namespace} label poddisruptionbudget raygate app.kubernetes.io/name=raygate"
            ),
        ),
        Ok(_) => {}
        Err(error) => findings.unreadable(CHECK, "the PodDisruptionBudget", &error),
    }
}

fn judge_replicas(namespace: &str, deployment: Option<&Value>, findings: &mut Findings) {
    let Some(deployment) = deployment else {
        return findings.error(
            CHECK,
            format!("no Deployment with the label app.kubernetes.io/name=raygate in {namespace}"),
            "raygate manifests --ca-file certs/ca.crt | kubectl apply -f -",
        );
    };
    let name = deployment.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let count = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let (ready, wanted) = (count("/status/readyReplicas"), count("/spec/replicas"));
    let seen = format!("{ready} of {wanted} replicas of {namespace}/{name} are ready");
    let look = format!(
        "kubectl --namespace {namespace} describe pods --selector app.kubernetes.io/name=raygate\n\
         kubectl --namespace {namespace} logs deployment/{name}"
    );
    let scale = format!("kubectl --namespace {namespace} scale deployment/{name} --replicas 2");
    match ready {
        0 if wanted == 0 => findings.error(CHECK, seen, scale),
        0 => findings.error(CHECK, seen, look),
        1 if wanted < 2 => findings.warning(CHECK, format!("{seen}: nobody answers while it is away"), scale),
        _ if ready < wanted => findings.warning(CHECK, seen, look),
        _ => findings.ok(CHECK, seen),
    }
}

fn judge_images(namespace: &str, pods: &[Value], findings: &mut Findings) {
    let image = |pod: &Value| {
        let image = pod.pointer("/spec/containers/0/image")?.as_str()?;
        Some(image.to_owned())
    };
    let images: BTreeSet<String> = pods.iter().filter_map(image).collect();
    if images.len() > 1 {
        let images: Vec<_> = images.into_iter().collect();
        findings.warning(
            CHECK,
            format!("pods of several images run side by side: {}", images.join(", ")),
            format!(
                "kubectl --namespace {namespace} rollout status deployment --selector app.kubernetes.io/name=raygate"
            ),
        );
    }
}
