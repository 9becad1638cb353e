//! Two objects of each kind through the API server, as dry runs: raygate must complete one and reject the other.

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

/// Sends both objects of this kind. `namespaces`: where to, and where raygate is.
pub(super) async fn judge(
    client: &Client,
    kind: &'static Kind,
    (namespace, raygate): (&str, Option<&str>),
    findings: &mut Findings,
) {
    let name = kind.name;
    let raygate = raygate.unwrap_or(crate::install::NAMESPACE);
    let path = format!("/apis/ray.io/v1/namespaces/{namespace}/{}?dryRun=All", kind.resource);
    let Some(good) = sample(kind, namespace) else { return };
    let broken = with_duplicate_group(&good);
    match objects::post(client, &path, &good).await {
        Ok(object) if object.pointer(APPLIED).is_some() => {
            findings.ok(CHECK, format!("a {name} in {namespace} (dry run) came back completed"));
        }
        Ok(_) => findings.error(
            CHECK,
            format!(
                "a {name} in {namespace} (dry run) came back as it was sent: its mutating webhook is not called there, \
                 or does not answer"
            ),
            look(raygate),
        ),
        Err(error) => failed(kind, namespace, raygate, &error, findings),
    }
    match objects::post(client, &path, &broken).await {
        Ok(_) => findings.error(
            CHECK,
            format!("a broken {name} in {namespace} (dry run) was let in: the validating webhook does not judge it"),
            look(raygate),
        ),
        Err(error) if describe(&error).contains(DENIED) => {
            findings.ok(
                CHECK,
                format!("a broken {name} (dry run) was refused in raygate's words"),
            );
        }
        Err(error) => failed(kind, namespace, raygate, &error, findings),
    }
}

/// Says that a kind is not tried.
pub(super) fn previewed(kind: &Kind, findings: &mut Findings) {
    findings.note(
        CHECK,
        format!(
            "{name} is in Preview: raygate reports what it would do, and changes and denies nothing. `raygate scan --kinds \
             {name}` lists what it would deny; to enforce it, take it out of Preview: deploy/README.md, Kinds",
            name = kind.name
        ),
    );
}

/// The API server's message, explained.
fn failed(kind: &Kind, namespace: &str, raygate: &str, error: &kube::Error, findings: &mut Findings) {
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
            format!(
                "not tried: the right to create {}.ray.io in {namespace} is needed: {message}",
                kind.resource
            ),
        );
    } else if Cause::of(error) == Cause::NotFound {
        return findings.note(
            CHECK,
            format!("not tried: {message}; choose another namespace by --namespace"),
        );
    } else {
        let explained = "something other than raygate rejects Ray objects";
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

/// The sample as an object of this kind, without owners.
fn sample(kind: &Kind, namespace: &str) -> Option<Value> {
    let job = Tree::read(sample::RAYJOB).ok()?;
    let mut object = kind.from_job(job.root());
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("ownerReferences");
    metadata.insert("name".to_owned(), json!("raygate-doctor"));
    metadata.insert("namespace".to_owned(), json!(namespace));
    Some(object)
}

fn with_duplicate_group(object: &Value) -> Value {
    let mut object = Tree::of(object).unwrap_or_default();
    let kind = Kind::of(object.root());
    let first = kind.groups(object.root()).first().map(Json::to_value);
    if let (Some(first), Some(groups)) = (first, kind.groups_mut(&mut object)) {
        // The sample's groups are a list.
        let _ = groups.push(&first);
    }
    object.root().to_value()
}
