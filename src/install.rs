//! The Kubernetes objects that a cluster needs, as `deploy/` writes them, with other names and a CA filled in.
//!
//! `deploy/` is the only place where these objects are written down. Its files are part of the binary, put together as
//! kustomize does it, and what differs from one cluster to the next is then set in the objects.

mod controllers;
mod drift;
mod kinds;
mod kustomization;
mod names;
mod platforms;
mod scope;
mod values;

use serde_json::{Value, json};

use crate::certs::{self, CaBundle, DnsLabel};

pub use controllers::Controllers;
pub use drift::{Difference, Part, differences, same_spec};
pub use kinds::{KindError, KindList, previewed_kinds};
pub use kustomization::BuildError;
pub use names::CONFIGURATION;
pub use platforms::named_kuberay;
pub use scope::{Excess, excess, is_admission_policy, is_raygates, is_webhook_configuration, registered_kinds};
pub use values::{BaseUrl, ImageName, ValueError};

/// The namespace in `deploy/`.
pub const NAMESPACE: &str = "raygate-system";

/// The name of the Service in `deploy/`.
pub const SERVICE: &str = "raygate";

/// The Secret in which someone else keeps the pair, in `deploy/`.
pub const FILES_SECRET: &str = "raygate-tls";

/// The Secret in which raygate keeps its own pair, in `deploy/`.
pub const OWN_SECRET: &str = "raygate-certificates";

/// The ConfigMap with the policy files, in `deploy/`.
pub const POLICIES_CONFIG_MAP: &str = "raygate-policies";

/// The image in `deploy/`: this version of raygate.
pub const IMAGE: &str = concat!("raygate:", env!("CARGO_PKG_VERSION"));

/// The setting of a Deployment that names the kinds where some are left out.
pub const KINDS: &str = "RAYGATE_KINDS";

/// The setting of a Deployment that names the kinds in Preview.
pub const PREVIEW: &str = "RAYGATE_PREVIEW";

/// The replicas in `deploy/`: one may be away while the other answers.
pub const REPLICAS: u32 = 2;

/// What is to run, and where.
#[derive(Clone, Copy, Debug)]
pub struct Install<'a> {
    /// The namespace of all objects. Ray objects in it never come to raygate.
    pub namespace: &'a DnsLabel,
    /// The name of the Service.
    pub service: &'a DnsLabel,
    /// The image of the Deployment.
    pub image: &'a ImageName,
    /// The replicas of the Deployment; the least of them where an autoscaler counts.
    pub replicas: u32,
    /// Who keeps the certificates.
    pub certificates: Certificates<'a>,
    /// What is wanted besides.
    pub components: &'a [Component],
    /// Where the API server calls raygate, if not at the Service.
    pub url: Option<&'a BaseUrl>,
    /// The kinds that come to raygate.
    pub kinds: &'a KindList,
    /// Further namespaces whose objects never come to raygate.
    pub excluded_namespaces: &'a [DnsLabel],
    /// The users whose writes do not come to raygate.
    pub controllers: &'a Controllers,
    /// The policy files, each with its name and its text.
    pub policies: &'a [(&'a str, &'a str)],
}

/// Who keeps the serving certificate and the webhooks' CA.
#[derive(Clone, Copy, Debug)]
pub enum Certificates<'a> {
    /// Someone else, in the Secret `raygate-tls`; the CA goes into the webhooks where it is known.
    Files(Option<&'a CaBundle>),
    /// cert-manager.
    CertManager,
    /// raygate itself, in the Secret `raygate-certificates`.
    SelfManaged,
}

impl Certificates<'_> {
    /// The kustomization of `deploy/` for it.
    fn directory(self) -> &'static str {
        match self {
            Self::Files(_) => "base",
            Self::CertManager => "overlays/cert-manager",
            Self::SelfManaged => "overlays/self-managed",
        }
    }
}

/// A part of `deploy/components` that goes with any way of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Component {
    /// As many replicas as the load wants
    Autoscaler,
    /// Let only clients with a certificate of the CA in the Secret raygate-client-ca, for the name kube-apiserver, post
    /// reviews. Configure the API server first
    ClientCertificates,
    /// Admit objects unjudged while raygate is unreachable
    FailOpen,
    /// Objects for the Prometheus operator
    Monitoring,
    /// A second container that reads facts about the cluster
    Observer,
}

impl Component {
    fn directory(self) -> &'static str {
        match self {
            Self::Autoscaler => "components/autoscaler",
            Self::ClientCertificates => "components/client-certificates",
            Self::FailOpen => "components/fail-open",
            Self::Monitoring => "components/monitoring",
            Self::Observer => "components/observer",
        }
    }
}

/// All objects, the webhook configurations last: what they call has then been asked for.
///
/// # Errors
/// Where the files of `deploy/` do not fit together, which is a defect of this binary.
pub fn objects(install: &Install<'_>) -> Result<Vec<Value>, BuildError> {
    let policies = config_map(install.policies);
    let mut objects = kustomization::build(install.certificates.directory(), &policies)?;
    for component in install.components {
        kustomization::add_component(component.directory(), &policies, &mut objects)?;
    }
    for object in &mut objects {
        fill(object, install);
    }
    objects.sort_by_key(is_webhook_configuration);
    Ok(objects)
}

/// The name of a policy file without its folder: its key in the ConfigMap.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The policies as the ConfigMap that `policies/kustomization.yaml` describes. Its keys are names of files without their
/// folder, which the API server would not take.
fn config_map(policies: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = policies
        .iter()
        .map(|(path, text)| (file_name(path).to_owned(), Value::from(*text)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": POLICIES_CONFIG_MAP,
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/name": "raygate"},
        },
        "data": data,
    })
}

/// Sets what differs from one cluster to the next.
fn fill(object: &mut Value, install: &Install<'_>) {
    let Install {
        namespace,
        service,
        image,
        replicas,
        ..
    } = install;
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let data = object.get_mut("data").map(Value::take);
    rename_namespace(object, namespace);
    if let Some(data) = data {
        object["data"] = data;
    }
    match kind.as_str() {
        "Service" => set(object, "/metadata/name", service.as_str()),
        "Certificate" => {
            let names = certs::service_names(service, namespace);
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            set(object, "/spec/dnsNames", names);
        }
        "Deployment" => {
            let containers = object.pointer_mut("/spec/template/spec/containers");
            for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
                set(container, "/image", image.as_str());
            }
            set(object, "/spec/replicas", *replicas);
            let Some(Value::Array(env)) = object.pointer_mut("/spec/template/spec/containers/0/env") else {
                return;
            };
            if !install.kinds.is_all() {
                env.push(json!({"name": KINDS, "value": install.kinds.to_string()}));
            }
            if matches!(install.certificates, Certificates::SelfManaged) {
                let service = (service.as_str() != SERVICE).then(|| ("RAYGATE_SERVICE", service.to_string()));
                let url = install.url.map(|url| ("RAYGATE_URL", url.to_string()));
                let excluded: Vec<_> = install.excluded_namespaces.iter().map(DnsLabel::as_str).collect();
                let excluded = (!excluded.is_empty()).then(|| ("RAYGATE_EXCLUDED_NAMESPACES", excluded.join(",")));
                let settings = service.into_iter().chain(url).chain(excluded);
                env.extend(settings.map(|(name, value)| json!({"name": name, "value": value})));
            }
        }
        "HorizontalPodAutoscaler" => {
            let most = object.pointer("/spec/maxReplicas").and_then(Value::as_u64).unwrap_or(0);
            set(object, "/spec/minReplicas", *replicas);
            set(object, "/spec/maxReplicas", most.max(u64::from(*replicas)));
        }
        _ if is_webhook_configuration(object) => {
            for webhook in object["webhooks"].as_array_mut().into_iter().flatten() {
                fill_webhook(webhook, install);
            }
        }
        _ => {}
    }
}

fn fill_webhook(webhook: &mut Value, install: &Install<'_>) {
    set(webhook, "/clientConfig/service/name", install.service.as_str());
    if let Some(url) = install.url {
        let path = webhook.pointer("/clientConfig/service/path").and_then(Value::as_str);
        let url = format!("{url}{}", path.unwrap_or_default());
        set(webhook, "/clientConfig", json!({"url": url}));
    }
    if let Certificates::Files(Some(ca)) = install.certificates
        && let Some(Value::Object(client)) = webhook.get_mut("clientConfig")
    {
        client.insert("caBundle".to_owned(), ca.base64().into());
    }
    let conditions = webhook.get_mut("matchConditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if let Some(Value::String(expression)) = condition.get_mut("expression") {
            *expression = install.controllers.fill(expression);
        }
    }
    set(webhook, "/rules/0/resources", install.kinds.resources());
    let excluded = webhook.pointer_mut("/namespaceSelector/matchExpressions/0/values");
    if let Some(Value::Array(excluded)) = excluded {
        for name in install.excluded_namespaces.iter().map(DnsLabel::as_str) {
            if !excluded.iter().any(|known| known == name) {
                excluded.push(name.into());
            }
        }
    }
}

/// Replaces a value that is there.
fn set(object: &mut Value, pointer: &str, value: impl Into<Value>) {
    if let Some(place) = object.pointer_mut(pointer) {
        *place = value.into();
    }
}

/// Writes another namespace wherever `deploy/` names its own, also within a longer text.
fn rename_namespace(value: &mut Value, namespace: &DnsLabel) {
    match value {
        Value::String(text) => *text = text.replace(NAMESPACE, namespace.as_str()),
        Value::Array(items) => items.iter_mut().for_each(|item| rename_namespace(item, namespace)),
        Value::Object(map) => map.values_mut().for_each(|value| rename_namespace(value, namespace)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
