//! The Deployment behind the webhooks.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::Value;

use crate::cli::serve;
use crate::cluster::objects;
use crate::install::{
    Controllers, FILES_SECRET, KINDS, KindList, NAMESPACE, OWN_SECRET, POLICIES_CONFIG_MAP, PREVIEW, named_kuberay,
    previewed_kinds,
};
use crate::k8s::image::Image;
use crate::ray::{Kind, KubeRay};

use super::{Findings, clocks, list};

/// Where Helm says which release an object is of.
pub(super) const RELEASE: &str = "/metadata/annotations/meta.helm.sh~1release-name";
const CHECK: &str = "deployment";
/// The label of everything that belongs to raygate.
const LABEL: &str = "labelSelector=app.kubernetes.io%2Fname%3Draygate";

/// The settings of `raygate serve` in a Deployment.
const ENV: &str = "/spec/template/spec/containers/0/env";

/// Looks for two ready replicas of one image, and their disruption budget. `registered`: a configuration was found.
pub(super) async fn judge(client: &Client, registered: bool, service: Option<(&str, &str)>, findings: &mut Findings) {
    let Some((namespace, _)) = service else {
        if registered {
            findings.note(CHECK, "the webhooks call a URL: raygate runs outside of this cluster");
        }
        return;
    };
    let of = |group: &str, resource: &str| format!("{group}/namespaces/{namespace}/{resource}?{LABEL}");
    match deployment(client, namespace).await {
        Ok(deployment) => judge_replicas(namespace, deployment.as_ref(), findings),
        Err(error) => findings.unreadable(CHECK, "the Deployment", &error),
    }
    match list(client, &of("/api/v1", "pods"), "Pod").await {
        Ok(pods) => {
            judge_images(namespace, &images(&pods), findings);
            clocks::judge_nodes(client, &nodes(&pods), findings).await;
        }
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

fn images(pods: &[Value]) -> BTreeSet<&str> {
    let image = |pod| Value::pointer(pod, "/spec/containers/0/image")?.as_str();
    pods.iter().filter_map(image).collect()
}

/// Where they run.
fn nodes(pods: &[Value]) -> BTreeSet<&str> {
    let node = |pod| Value::pointer(pod, "/spec/nodeName")?.as_str();
    pods.iter().filter_map(node).collect()
}

fn judge_images(namespace: &str, images: &BTreeSet<&str>, findings: &mut Findings) {
    if images.len() > 1 {
        let images: Vec<_> = images.iter().copied().collect();
        findings.warning(
            CHECK,
            format!("pods of several images run side by side: {}", images.join(", ")),
            format!(
                "kubectl --namespace {namespace} rollout status deployment --selector app.kubernetes.io/name=raygate"
            ),
        );
    }
    let own = env!("CARGO_PKG_VERSION");
    for image in images {
        if let Some(version) = version(image).filter(|version| *version != own) {
            findings.warning(
                CHECK,
                format!("pods run {image}, but this doctor is of version {own}, and judges by what that one ships"),
                format!("# ask the doctor of version {version}, or bring the pods to {own}: deploy/README.md, Upgrade"),
            );
        }
    }
}

/// The version in the tag of an image; none where the tag is none, or a name such as `latest`.
fn version(image: &str) -> Option<&str> {
    let tag = Image::parse(image).ok()?.tag()?;
    let version = tag.strip_prefix('v').unwrap_or(tag);
    let is_version = version.split('.').count() == 3 && version.starts_with(|first: char| first.is_ascii_digit());
    is_version.then_some(version)
}

/// raygate's Deployment.
pub(super) async fn deployment(client: &Client, namespace: &str) -> Result<Option<Value>, kube::Error> {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?{LABEL}");
    Ok(list(client, &path, "Deployment").await?.into_iter().next())
}

/// What registers the webhooks: by the way in which raygate was installed, and only when a replica can answer.
pub(super) async fn registration(client: &Client) -> String {
    let path = format!("/apis/apps/v1/deployments?{LABEL}");
    let deployments = list(client, &path, "Deployment").await.unwrap_or_default();
    register(deployments.first())
}

fn register(deployment: Option<&Value>) -> String {
    let Some(deployment) = deployment else {
        return "# install raygate: deploy/README.md".to_owned();
    };
    let text = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").unwrap_or(NAMESPACE);
    let ready = deployment.pointer("/status/readyReplicas").and_then(Value::as_u64);
    if ready.unwrap_or(0) == 0 {
        return format!(
            "# no replica is ready, and webhooks without one would block every Ray object: first\n\
             kubectl --namespace {namespace} rollout status deployment/raygate"
        );
    }
    if let Some(release) = text(RELEASE) {
        return format!(
            "helm upgrade {release} deploy/chart --namespace {namespace} --reset-then-reuse-values --set webhooks.enabled=true"
        );
    }
    let certificates = match Pair::of(deployment) {
        Some(pair) if pair.is_raygates => "--certificates self-managed",
        _ => "--ca-file certs/ca.crt",
    };
    let option = match namespace {
        NAMESPACE => String::new(),
        other => format!(" --namespace {other}"),
    };
    format!("raygate manifests --only webhooks {certificates}{option} | kubectl apply -f -")
}

/// What was chosen at the installation, as far as the webhook configurations follow from it.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// raygate was installed with the component fail-open.
    pub(super) fails_open: bool,
    /// The kinds that come to raygate.
    pub(super) kinds: KindList,
    /// Whose writes do not come to raygate.
    pub(super) controllers: Controllers,
    /// The kinds in Preview.
    pub(super) previewed: Vec<&'static Kind>,
    /// The release of KubeRay that the Platform names; `None` if the policies could not be read.
    pub(super) kuberay: Option<Option<KubeRay>>,
}

impl Chosen {
    /// What the Deployment and the policies in this namespace say.
    pub(super) async fn find(client: &Client, namespace: &str) -> Self {
        let deployment = deployment(client, namespace).await.ok().flatten();
        let env = deployment.as_ref().and_then(|deployment| deployment.pointer(ENV));
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{POLICIES_CONFIG_MAP}");
        let policies = objects::get(client, &path).await.ok().flatten();
        let data = policies.as_ref().and_then(|policies| policies.get("data")?.as_object());
        let texts = data.into_iter().flatten().filter_map(|(_, text)| text.as_str());
        let texts: Vec<&[u8]> = texts.map(str::as_bytes).collect();
        let set = value(env, PREVIEW).and_then(|kinds| serve::previewed(kinds).ok());
        let listed = previewed_kinds(texts.iter().copied());
        Self {
            fails_open: is_true(env, "RAYGATE_FAIL_OPEN"),
            kinds: value(env, KINDS)
                .and_then(|kinds| kinds.parse().ok())
                .unwrap_or_default(),
            controllers: Controllers::of_policies(texts.iter().copied()),
            previewed: set.iter().flat_map(KindList::iter).chain(listed.iter()).collect(),
            kuberay: policies.is_some().then(|| named_kuberay(texts)),
        }
    }
}

fn is_true(env: Option<&Value>, name: &str) -> bool {
    value(env, name) == Some("true")
}

fn value<'v>(env: Option<&'v Value>, name: &str) -> Option<&'v str> {
    named(env, name)?.get("value")?.as_str()
}

/// Where the pair is, and who keeps it there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The Secrets that may hold it: that which the Deployment names, or those that ship.
    pub(super) secrets: Vec<String>,
    pub(super) is_raygates: bool,
}

impl Pair {
    /// What the Deployment in this namespace says of it.
    pub(super) async fn find(client: &Client, namespace: &str) -> Self {
        let deployment = deployment(client, namespace).await.ok().flatten();
        deployment.as_ref().and_then(Self::of).unwrap_or_else(|| Self {
            secrets: vec![FILES_SECRET.to_owned(), OWN_SECRET.to_owned()],
            is_raygates: false,
        })
    }

    /// Mounted as `tls`, or kept by raygate itself.
    pub(super) fn of(deployment: &Value) -> Option<Self> {
        let pod = deployment.pointer("/spec/template/spec")?;
        let pair = |secret: &str, is_raygates| Self {
            secrets: vec![secret.to_owned()],
            is_raygates,
        };
        if let Some(mounted) = named(pod.get("volumes"), "tls") {
            return Some(pair(mounted.pointer("/secret/secretName")?.as_str()?, false));
        }
        let env = deployment.pointer(ENV);
        if !is_true(env, "RAYGATE_SELF_MANAGED") {
            return None;
        }
        let secret = match named(env, "RAYGATE_SECRET") {
            Some(variable) => variable.get("value")?.as_str()?,
            None => OWN_SECRET,
        };
        Some(pair(secret, true))
    }
}

fn named<'v>(list: Option<&'v Value>, name: &str) -> Option<&'v Value> {
    let items = list.and_then(Value::as_array)?;
    items
        .iter()
        .find(|item| item.get("name").is_some_and(|seen| seen == name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn webhooks_are_registered_when_a_replica_is_ready() {
        let deployment = |ready: u64, env: Value| {
            json!({
                "metadata": {"namespace": "raygate-system"},
                "spec": {"template": {"spec": {"containers": [{"env": env}]}}},
                "status": {"readyReplicas": ready},
            })
        };
        let own = json!([{"name": "RAYGATE_SELF_MANAGED", "value": "true"}]);
        let mut by_helm = deployment(1, own.clone());
        by_helm["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "gate"});
        for (deployment, words) in [
            (None, "# install raygate"),
            (Some(deployment(0, own.clone())), "rollout status deployment/raygate"),
            (
                Some(deployment(1, own)),
                "--only webhooks --certificates self-managed |",
            ),
            (
                Some(deployment(2, json!([]))),
                "--only webhooks --ca-file certs/ca.crt |",
            ),
            (
                Some(by_helm),
                "helm upgrade gate deploy/chart --namespace raygate-system",
            ),
        ] {
            let repair = register(deployment.as_ref());
            assert!(repair.contains(words), "{repair}");
        }
    }

    #[test]
    fn the_version_is_in_the_tag() {
        for (image, expected) in [
            ("raygate:0.2.0", Some("0.2.0")),
            (
                "registry.example.com:5000/ml/raygate:v1.2.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                Some("1.2.3"),
            ),
            ("registry.example.com:5000/ml/raygate", None),
            (
                "raygate@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                None,
            ),
            ("raygate:latest", None),
        ] {
            assert_eq!(version(image), expected, "{image}");
        }
    }

    #[test]
    fn the_secret_is_that_of_the_deployment() {
        let of = |pod: Value| {
            let pair = Pair::of(&json!({"spec": {"template": {"spec": pod}}}))?;
            Some((pair.secrets.join(" "), pair.is_raygates))
        };
        let kept = |env: Value| of(json!({"containers": [{"env": env}]}));
        let mounted = json!({"volumes": [{"name": "tls", "secret": {"secretName": "mine"}}]});
        assert_eq!(of(mounted), Some(("mine".to_owned(), false)));
        let own = json!({"name": "RAYGATE_SELF_MANAGED", "value": "true"});
        assert_eq!(kept(json!([own])), Some((OWN_SECRET.to_owned(), true)));
        let other = json!({"name": "RAYGATE_SECRET", "value": "ours"});
        assert_eq!(kept(json!([own, other])), Some(("ours".to_owned(), true)));
        assert_eq!(kept(json!([other])), None);
    }
}
