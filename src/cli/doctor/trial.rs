//! Two RayJobs through the API server, as dry runs: one must come back completed, the other must be refused.

use kube::Client;
use serde_json::{Value, json};

use crate::cli::sample;
use crate::cluster::{Cause, describe, objects};
use crate::json::{Json, Tree};
use crate::ray::Kind;

use super::Findings;

const CHECK: &str = "admission";
/// How the API server begins to say that raygate has refused.
const DENIED: &str = "admission webhook \"rayjob.raygate.dev\" denied the request";
/// How the API server begins to say that raygate did not answer.
const FAILED: &str = "failed calling webhook \"rayjob.raygate.dev\"";
/// Where an object says what raygate did to it.
const APPLIED: &str = "/metadata/annotations/raygate.dev~1applied";

/// Sends both, in this namespace.
pub(super) async fn judge(client: &Client, namespace: &str, raygate: Option<&str>, findings: &mut Findings) {
    let raygate = raygate.unwrap_or(crate::install::NAMESPACE);
    let path = format!("/apis/ray.io/v1/namespaces/{namespace}/rayjobs?dryRun=All");
    let Some(good) = rayjob(namespace) else { return };
    let broken = with_duplicate_group(&good);
    match objects::post(client, &path, &good).await {
        Ok(object) if object.pointer(APPLIED).is_some() => {
            findings.ok(CHECK, format!("a RayJob in {namespace} (dry run) came back completed"));
        }
        Ok(_) => findings.error(
            CHECK,
            format!(
                "a RayJob in {namespace} (dry run) came back as it was sent: its mutating webhook is not called there, \
                 or does not answer"
            ),
            look(raygate),
        ),
        Err(error) => failed(namespace, raygate, &error, findings),
    }
    match objects::post(client, &path, &broken).await {
        Ok(_) => findings.error(
            CHECK,
            format!("a broken RayJob in {namespace} (dry run) was let in: the validating webhook does not judge it"),
            look(raygate),
        ),
        Err(error) if describe(&error).contains(DENIED) => {
            findings.ok(CHECK, "a broken RayJob (dry run) was refused in raygate's words");
        }
        Err(error) => failed(namespace, raygate, &error, findings),
    }
}

/// The API server's message, explained.
fn failed(namespace: &str, raygate: &str, error: &kube::Error, findings: &mut Findings) {
    let message = describe(error);
    let (explained, repair) = if message.contains(FAILED) {
        explain(&message, raygate)
    } else if message.contains(DENIED) {
        return findings.warning(
            CHECK,
            format!("raygate answers, but its policies refuse the sample: {message}"),
            "raygate sample | raygate check -  # with --policies, if there are policies of your own",
        );
    } else if Cause::of(error) == Cause::Forbidden {
        return findings.note(
            CHECK,
            format!("not tried: the right to create rayjobs.ray.io in {namespace} is needed: {message}"),
        );
    } else if Cause::of(error) == Cause::NotFound {
        return findings.note(
            CHECK,
            format!("not tried: {message}; choose another namespace by --namespace"),
        );
    } else {
        let explained = "somebody else than raygate refuses RayJobs";
        (
            explained,
            "kubectl get validatingwebhookconfigurations,validatingadmissionpolicies".to_owned(),
        )
    };
    if findings
        .0
        .iter()
        .any(|finding| finding.check == CHECK && finding.seen.starts_with(explained))
    {
        return;
    }
    findings.error(CHECK, format!("{explained}: {message}"), repair);
}

fn explain(message: &str, raygate: &str) -> (&'static str, String) {
    let says = |text: &str| message.contains(text);
    if says("no endpoints available") {
        ("no pod of raygate is ready", look(raygate))
    } else if says("x509") || says("tls:") {
        (
            "the caBundle and the served certificate do not fit",
            "# set caBundle to the CA of the served certificate: see the rows `certificate`\n\
             raygate manifests --only webhooks --ca-file certs/ca.crt | kubectl apply -f -"
                .to_owned(),
        )
    } else if says("not found") || says("no such host") {
        (
            "what the webhook calls does not exist",
            format!(
                "kubectl --namespace {raygate} get service,endpointslices\n# install again, as it was installed: deploy/README.md"
            ),
        )
    } else if says("deadline exceeded") || says("i/o timeout") || says("handshake timeout") {
        (
            "the API server does not reach raygate in time: a firewall or a NetworkPolicy between them, or no free CPU",
            format!("kubectl --namespace {raygate} get networkpolicy,pods --output wide"),
        )
    } else if says("connection refused") || says("connection reset") || says("EOF") {
        ("nobody listens where the webhook calls", look(raygate))
    } else {
        ("raygate's answer does not arrive", look(raygate))
    }
}

fn look(raygate: &str) -> String {
    format!(
        "kubectl --namespace {raygate} get pods,endpointslices --output wide\n\
         kubectl --namespace {raygate} logs --selector app.kubernetes.io/name=raygate --tail 50"
    )
}

/// The sample, as nobody's.
fn rayjob(namespace: &str) -> Option<Value> {
    let mut job: Value = serde_json::from_str(sample::RAYJOB).ok()?;
    let metadata = job.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("ownerReferences");
    metadata.insert("name".to_owned(), json!("raygate-doctor"));
    metadata.insert("namespace".to_owned(), json!(namespace));
    Some(job)
}

fn with_duplicate_group(job: &Value) -> Value {
    let mut job = Tree::of(job).unwrap_or_default();
    let kind = Kind::of(job.root());
    let first = kind.groups(job.root()).first().map(Json::to_value);
    if let (Some(first), Some(groups)) = (first, kind.groups_mut(&mut job)) {
        // The sample's groups are a list.
        let _ = groups.push(&first);
    }
    job.root().to_value()
}
