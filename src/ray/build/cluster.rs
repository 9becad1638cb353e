//! The RayCluster that KubeRay makes of an object.

use serde_json::{Value, json};

use crate::json::Json;
use crate::k8s::json::{below, child, given, text};
use crate::ray::kind::{HEAD, RAY_CLUSTER, RAY_CRON_JOB, RAY_SERVICE};
use crate::ray::version::{KubeRay, gate_default};
use crate::ray::workload::Workload;

use super::values::{Fields, append, env, field_env, has, missing_env};

/// What stands for the five characters that KubeRay makes up.
const MADE_UP: &str = "xxxxx";
/// The volume with the token of the pod's service account.
const TOKEN_VOLUME: &str = "ray-token";
/// The volume with the certificates of cert-manager.
const TLS_VOLUME: &str = "ray-tls";
const TLS_PATH: &str = "/etc/ray/tls";

/// A RayCluster.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// The name of the RayJob that submits to it; empty for other kinds.
    pub(super) job: String,
    /// Its own name.
    pub(super) name: String,
    /// Its namespace.
    pub(super) namespace: String,
    /// Its spec.
    pub(super) spec: Json<'a>,
    /// The kind of the object that it belongs to.
    pub(super) creator: &'a str,
    annotations: Json<'a>,
    pub(super) release: KubeRay,
    gates: &'a [(String, bool)],
}

impl<'a> Cluster<'a> {
    /// The RayCluster of an object that has one, or selects one.
    pub(super) fn of(
        workload: &Workload<'a>,
        namespace: &str,
        release: KubeRay,
        gates: &'a [(String, bool)],
    ) -> Cluster<'a> {
        let kind = workload.kind;
        let job = match workload.name() {
            _ if !kind.has_job() => String::new(),
            name if kind.is(&RAY_CRON_JOB) => format!("{name}-{MADE_UP}"),
            name => name.to_owned(),
        };
        let between = if release < KubeRay::V1_4 { "-raycluster-" } else { "-" };
        let name = match workload.name() {
            name if kind.is(&RAY_CLUSTER) => name.to_owned(),
            name if kind.is(&RAY_SERVICE) => format!("{name}{between}{MADE_UP}"),
            _ => format!("{job}{between}{MADE_UP}"),
        };
        let creator = match workload.label("ray.io/originated-from-crd") {
            Some(creator @ ("RayJob" | "RayService")) if kind.is(&RAY_CLUSTER) => creator,
            _ if kind.has_job() => "RayJob",
            _ => kind.name,
        };
        let annotations = below(workload.object, &["metadata", "annotations"]);
        Cluster {
            job,
            name,
            namespace: namespace.to_owned(),
            spec: workload.cluster.unwrap_or(Json::NULL),
            creator,
            annotations: if kind.hands_on_metadata {
                annotations
            } else {
                Json::NULL
            },
            release,
            gates,
        }
    }

    /// Whether the release is this one or a later one.
    pub(super) fn is_since(&self, release: KubeRay) -> bool {
        self.release >= release
    }

    /// Whether a feature gate is on.
    pub(super) fn gate(&self, name: &str) -> bool {
        let set = self.gates.iter().rev().find(|(known, _)| known == name);
        set.map_or_else(|| gate_default(name, self.release), |(_, on)| *on)
    }

    /// An annotation of the RayCluster.
    pub(super) fn annotation(&self, key: &str) -> Option<&'a str> {
        text(self.annotations, key)
    }

    /// Whether an annotation says `true`, in any case.
    pub(super) fn is_annotated(&self, key: &str) -> bool {
        self.annotation(key)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The head group.
    pub(super) fn head(&self) -> Json<'a> {
        child(self.spec, HEAD)
    }

    /// The name of the Service of the head.
    pub(super) fn service_name(&self) -> String {
        let given = text(below(self.head(), &["headService", "metadata"]), "name");
        let given = given.filter(|name| !name.is_empty());
        given.map_or_else(|| format!("{}-head-svc", self.name), str::to_owned)
    }

    /// The host of the head.
    pub(super) fn host(&self) -> String {
        format!("{}.{}.svc.cluster.local", self.service_name(), self.namespace)
    }

    /// The port of the head's GCS.
    pub(super) fn head_port(&self) -> &'a str {
        text(child(self.head(), "rayStartParams"), "port").unwrap_or("6379")
    }

    /// Whether Ray's autoscaler runs in the head pod.
    pub(super) fn autoscales(&self) -> bool {
        child(self.spec, "enableInTreeAutoscaling").as_bool() == Some(true)
    }

    /// The version of the autoscaler, where one is asked for.
    pub(super) fn autoscaler_version(&self) -> Option<&'a str> {
        text(child(self.spec, "autoscalerOptions"), "version")
    }

    /// The options of fault tolerance, where there are any.
    pub(super) fn fault_tolerance(&self) -> Option<Json<'a>> {
        given(self.spec, "gcsFaultToleranceOptions")
    }

    /// Whether the head survives its restarts.
    pub(super) fn is_fault_tolerant(&self) -> bool {
        self.fault_tolerance().is_some() || self.is_annotated("ray.io/ft-enabled")
    }

    /// The options of the history server's collector, where it runs.
    pub(super) fn collector(&self) -> Option<Json<'a>> {
        let has_gate = self.is_since(KubeRay::V1_7) && self.gate("RayClusterHistoryServer");
        let options = given(child(self.spec, "historyServerOptions"), "collectorOptions");
        options.filter(|_| has_gate)
    }

    /// Whether KubeRay sets up TLS.
    pub(super) fn has_tls(&self) -> bool {
        let is_asked = child(child(self.spec, "tlsOptions"), "enabled").as_bool() == Some(true);
        is_asked && self.is_since(KubeRay::V1_7) && self.gate("RayClusterMTLS")
    }

    /// Whether Ray asks for a token.
    pub(super) fn has_auth(&self) -> bool {
        text(child(self.spec, "authOptions"), "mode") == Some("token")
    }

    /// Whether the token is that of a service account.
    pub(super) fn has_kubernetes_auth(&self) -> bool {
        child(child(self.spec, "authOptions"), "enableK8sTokenAuth").as_bool() == Some(true)
    }

    /// Gives a container the token (`SetContainerTokenAuthEnvVars`).
    pub(super) fn set_auth(&self, container: &mut Fields) {
        missing_env(container, "RAY_AUTH_MODE", "token");
        if self.has_kubernetes_auth() {
            missing_env(container, "RAY_ENABLE_K8S_TOKEN_AUTH", "true");
            if !has(container, "volumeMounts", "name", TOKEN_VOLUME) {
                let path = "/var/run/secrets/ray.io/serviceaccount";
                let mount = json!({"name": TOKEN_VOLUME, "mountPath": path, "readOnly": true});
                append(container, "volumeMounts", [mount]);
            }
        } else if !has(container, "env", "name", "RAY_AUTH_TOKEN") {
            let named = text(child(self.spec, "authOptions"), "secretName").filter(|name| !name.is_empty());
            let secret = named.map_or_else(|| checked_name(&self.name), str::to_owned);
            let source = json!({"secretKeyRef": {"name": secret, "key": "auth_token"}});
            append(
                container,
                "env",
                [json!({"name": "RAY_AUTH_TOKEN", "valueFrom": source})],
            );
        }
    }

    /// Adds the volume with the token of the service account (`AddRayTokenVolume`).
    pub(super) fn add_token_volume(&self, spec: &mut Fields) {
        if self.has_kubernetes_auth() && !has(spec, "volumes", "name", TOKEN_VOLUME) {
            let sources = json!([{"serviceAccountToken": {"path": "token"}}]);
            let volume = json!({"name": TOKEN_VOLUME, "projected": {"sources": sources}});
            append(spec, "volumes", [volume]);
        }
    }

    /// Adds the volume with the certificates.
    pub(super) fn add_tls_volume(&self, spec: &mut Fields, role: &str) {
        if !has(spec, "volumes", "name", TLS_VOLUME) {
            let secret = format!("ray-{role}-secret-{}", self.name);
            append(
                spec,
                "volumes",
                [json!({"name": TLS_VOLUME, "secret": {"secretName": secret}})],
            );
        }
    }

    /// Gives a container the certificates (`SetContainerTLSConfig`).
    pub(super) fn set_tls(container: &mut Fields) {
        missing_env(container, "RAY_USE_TLS", "1");
        for (name, file) in [
            ("RAY_TLS_SERVER_CERT", "tls.crt"),
            ("RAY_TLS_SERVER_KEY", "tls.key"),
            ("RAY_TLS_CA_CERT", "ca.crt"),
        ] {
            missing_env(container, name, &format!("{TLS_PATH}/{file}"));
        }
        let has_mount =
            has(container, "volumeMounts", "name", TLS_VOLUME) || has(container, "volumeMounts", "mountPath", TLS_PATH);
        if !has_mount {
            append(container, "volumeMounts", [tls_mount()]);
        }
    }

    /// The variables with which a container finds the cluster's name and namespace.
    pub(super) fn set_identity(container: &mut Fields) {
        field_env(container, "RAY_CLUSTER_NAME", "metadata.labels['ray.io/cluster']");
        field_env(container, "RAY_CLUSTER_NAMESPACE", "metadata.namespace");
    }

    /// The variables with the head's host.
    pub(super) fn set_host(&self, container: &mut Fields) {
        env(container, "FQ_RAY_IP", &self.host());
        env(container, "RAY_IP", &self.service_name());
    }
}

/// The mount of the certificates.
pub(super) fn tls_mount() -> Value {
    json!({"name": TLS_VOLUME, "mountPath": TLS_PATH, "readOnly": true})
}

/// The last 50 bytes of a name, with an `r` for a first character that no name starts with (`utils.CheckName`).
pub fn checked_name(name: &str) -> String {
    let start = name.len().saturating_sub(50);
    started(name.get(start..).unwrap_or(name), |first| {
        first.is_ascii_digit() || first.is_ascii_punctuation()
    })
}

/// The last 63 bytes of a label's value, with an `r` for a first punctuation mark (`utils.CheckLabel`).
pub(super) fn checked_label(label: &str) -> String {
    let start = label.len().saturating_sub(63);
    started(label.get(start..).unwrap_or(label), |first| {
        first.is_ascii_punctuation()
    })
}

fn started(text: &str, is_wrong: impl Fn(char) -> bool) -> String {
    match text.chars().next() {
        Some(first) if is_wrong(first) => format!("r{}", text.get(first.len_utf8()..).unwrap_or_default()),
        _ => text.to_owned(),
    }
}
