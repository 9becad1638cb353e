//! The Service of the head (KubeRay 1.7, `common/service.go`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::ray::KubeRay;

use super::cluster::{Cluster, checked_label};
use super::values::{Fields, append, take_object, text as text_of};

/// The Service (`BuildServiceForHeadPod`).
pub(super) fn head(cluster: &Cluster<'_>) -> Value {
    let name = &cluster.name;
    let selector = json!({
        "ray.io/cluster": name,
        "ray.io/node-type": "head",
        "ray.io/identifier": checked_label(&format!("{name}-head")),
        "app.kubernetes.io/name": "kuberay",
        "app.kubernetes.io/created-by": "kuberay-operator",
    });
    let kind = text(cluster.head(), "serviceType").unwrap_or_default();
    let ports = ports(cluster);
    let mut service = match child(cluster.head(), "headService").to_value() {
        Value::Object(service) => service,
        _ => {
            let mut spec = json!({"selector": selector, "ports": ports, "type": kind});
            if let Some(spec) = spec.as_object_mut().filter(|_| matches!(kind, "" | "ClusterIP")) {
                spec.insert("clusterIP".to_owned(), "None".into());
                spec.insert("publishNotReadyAddresses".to_owned(), true.into());
            }
            let metadata = json!({"name": cluster.service_name(), "namespace": cluster.namespace, "labels": selector});
            return json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
        }
    };
    let mut spec = take_object(&mut service, "spec");
    append(&mut spec, "ports", ports);
    if text_of(&spec, "type").is_none() {
        spec.insert("type".to_owned(), kind.into());
    }
    let mut metadata = take_object(&mut service, "metadata");
    let mut labels = take_object(&mut metadata, "labels");
    labels.extend(selector.as_object().cloned().unwrap_or_default());
    spec.insert("selector".to_owned(), selector);
    metadata.insert("labels".to_owned(), labels.into());
    metadata.insert("name".to_owned(), cluster.service_name().into());
    metadata.insert("namespace".to_owned(), cluster.namespace.clone().into());
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
}

/// The ports of the Service that `headService` does not name, as KubeRay appends them.
fn ports(cluster: &Cluster<'_>) -> Vec<Value> {
    let port = |(name, port)| {
        Value::Object(Fields::from_iter([
            ("name".to_owned(), Value::String(name)),
            ("port".to_owned(), port),
            ("appProtocol".to_owned(), "tcp".into()),
        ]))
    };
    own_ports(cluster.head(), cluster.release)
        .into_iter()
        .map(port)
        .collect()
}

/// The ports that KubeRay gives the Service of a head group: those of the Ray container, or its own (`getServicePorts`), by
/// name. KubeRay before 1.3 calls that of the GCS `redis`.
pub fn own_ports(head: Json<'_>, release: KubeRay) -> BTreeMap<String, Value> {
    let containers = items(child(child(head, "template"), "spec"), "containers");
    let ray = containers.first().unwrap_or(Json::NULL);
    let mut ports: BTreeMap<String, Value> = BTreeMap::new();
    for port in items(ray, "ports") {
        let number = child(port, "containerPort");
        let name = text(port, "name").filter(|name| !name.is_empty());
        let name = name.map_or_else(
            || format!("{}-port", number.as_i64().unwrap_or_default()),
            str::to_owned,
        );
        ports.insert(name, number.to_value());
    }
    if ports.is_empty() {
        let gcs = if release >= KubeRay::V1_3 {
            "gcs-server"
        } else {
            "redis"
        };
        let own = [("client", 10001), (gcs, 6379), ("dashboard", 8265), ("serve", 8000)];
        ports.extend(own.map(|(name, port)| (name.to_owned(), port.into())));
    }
    ports.entry("metrics".to_owned()).or_insert_with(|| 8080.into());
    ports
}
