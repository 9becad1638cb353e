//! The APIs of cert-manager and of the Prometheus operator, as far as raygate's objects use them: an API server that has
//! them, and knows no other field, tells a wrong one.
//!
//! The fields are those of `cert-manager.io/v1` (`deploy/crds` of cert-manager/cert-manager) and of
//! `monitoring.coreos.com/v1` (`example/prometheus-operator-crd` of prometheus-operator/prometheus-operator).

use serde_json::{Value, json};

use crate::api::ApplyYaml;
use crate::cluster::Cluster;
use crate::process::wait_for;

/// Makes the API server serve them, unless it does.
pub(crate) fn install(cluster: &Cluster) {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let issuer = json!({"selfSigned": {"type": "object"}, "ca": object(&json!({"secretName": text}), &["secretName"])});
    let key = json!({
        "algorithm": {"type": "string", "enum": ["RSA", "ECDSA", "Ed25519"]},
        "size": {"type": "integer"},
        "rotationPolicy": {"type": "string", "enum": ["Never", "Always"]},
    });
    let certificate = json!({
        "isCA": {"type": "boolean"},
        "commonName": text,
        "secretName": text,
        "duration": text,
        "renewBefore": text,
        "privateKey": object(&key, &[]),
        "usages": texts,
        "dnsNames": texts,
        "issuerRef": object(&json!({"group": text, "kind": text, "name": text}), &["name"]),
    });
    let endpoint = object(&json!({"port": text, "path": text, "interval": text}), &[]);
    let selector = json!({"matchLabels": {"type": "object", "additionalProperties": text}});
    let monitor = json!({
        "selector": object(&selector, &[]),
        "endpoints": {"type": "array", "items": endpoint},
    });
    serve(cluster, "cert-manager.io", "Issuer", &object(&issuer, &[]));
    serve(
        cluster,
        "cert-manager.io",
        "Certificate",
        &object(&certificate, &["secretName", "issuerRef"]),
    );
    serve(
        cluster,
        "monitoring.coreos.com",
        "ServiceMonitor",
        &object(&monitor, &["selector", "endpoints"]),
    );
}

fn object(properties: &Value, required: &[&str]) -> Value {
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn serve(cluster: &Cluster, group: &str, kind: &str, spec: &Value) {
    let singular = kind.to_lowercase();
    let plural = format!("{singular}s");
    let name = format!("{plural}.{group}");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": singular},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": object(&json!({"spec": spec}), &["spec"])},
            }],
        },
    });
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let applied = cluster.api.apply_yaml(&path, &definition.to_string(), ApplyYaml::Store);
    assert!([200, 201].contains(&applied.code), "{applied}");
    wait_for("the API server to serve a foreign API", || {
        let answer = cluster.api.get(&format!("/apis/{group}/v1/{plural}"));
        if answer.code == 200 { Ok(()) } else { Err(answer) }
    });
}
