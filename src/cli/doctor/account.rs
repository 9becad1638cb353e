//! raygate's own account, where it keeps the certificates itself: a stolen token must not reach further than a caBundle.

use kube::Client;
use serde_json::Value;

use crate::certs::DnsLabel;
use crate::cluster::objects;
use crate::install::{
    self, BuildError, Certificates, Controllers, IMAGE, Install, KindList, NAMESPACE, REPLICAS, SERVICE,
    is_admission_policy, same_spec,
};

use super::Findings;
use super::configuration::name_of;
use super::workload::{self, Pair, RELEASE};

const CHECK: &str = "account";

/// Looks for the admission policies that restrict the account, and for their bindings, if raygate in this namespace keeps
/// its certificates itself.
pub(super) async fn judge(client: &Client, namespace: &str, findings: &mut Findings) {
    let Ok(Some(deployment)) = workload::deployment(client, namespace).await else {
        return;
    };
    if !Pair::of(&deployment).is_some_and(|pair| pair.is_raygates) {
        return;
    }
    let shipped = match namespace.parse().map(|namespace| shipped(&namespace)) {
        Ok(Ok(shipped)) => shipped,
        _ => return findings.note(CHECK, "the admission policies cannot be built: a defect of this binary"),
    };
    let mut wrong = Vec::new();
    for expected in &shipped {
        let (kind, name) = (expected["kind"].as_str().unwrap_or_default(), name_of(expected));
        let found = match objects::get(client, &path(kind, name)).await {
            Ok(found) => found,
            Err(error) => return findings.unreadable(CHECK, &format!("the {kind} {name}"), &error),
        };
        match found {
            None => wrong.push(format!("there is no {kind} {name}")),
            Some(found) if !same_spec(expected, &found) => wrong.push(format!("the {kind} {name} is not as shipped")),
            Some(_) => {}
        }
    }
    if wrong.is_empty() {
        let seen = "admission policies restrict raygate's account to the caBundle and its own Secret";
        return findings.ok(CHECK, seen);
    }
    let seen = format!(
        "{}: with a token of raygate's account, anyone can redirect admission requests of the whole cluster",
        wrong.join(", ")
    );
    findings.error(CHECK, seen, repair(namespace, &deployment));
}

/// The admission policies and bindings, as this binary installs them.
fn shipped(namespace: &DnsLabel) -> Result<Vec<Value>, BuildError> {
    let (Ok(service), Ok(image)) = (SERVICE.parse(), IMAGE.parse()) else {
        return Ok(Vec::new());
    };
    let objects = install::objects(&Install {
        namespace,
        service: &service,
        image: &image,
        replicas: REPLICAS,
        certificates: Certificates::SelfManaged,
        components: &[],
        url: None,
        kinds: &KindList::default(),
        excluded_namespaces: &[],
        controllers: &Controllers::default(),
        policies: &[],
    })?;
    Ok(objects.into_iter().filter(is_admission_policy).collect())
}

fn path(kind: &str, name: &str) -> String {
    let plural = match kind {
        "ValidatingAdmissionPolicy" => "validatingadmissionpolicies",
        _ => "validatingadmissionpolicybindings",
    };
    format!("/apis/admissionregistration.k8s.io/v1/{plural}/{name}")
}

/// The command that puts the shipped policies there. Helm refuses objects that it did not create.
fn repair(namespace: &str, deployment: &Value) -> String {
    if let Some(release) = deployment.pointer(RELEASE).and_then(Value::as_str) {
        return format!("helm upgrade {release} deploy/chart --namespace {namespace} --reset-then-reuse-values");
    }
    let option = match namespace {
        NAMESPACE => String::new(),
        other => format!(" --namespace {other}"),
    };
    format!("raygate manifests --certificates self-managed --only admission-policies{option} | kubectl apply -f -")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_repair_is_by_whoever_installed() {
        let by_helm = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "gate"}}});
        assert_eq!(
            repair("ml", &by_helm),
            "helm upgrade gate deploy/chart --namespace ml --reset-then-reuse-values"
        );
        let command = "raygate manifests --certificates self-managed --only admission-policies";
        assert_eq!(repair(NAMESPACE, &json!({})), format!("{command} | kubectl apply -f -"));
        assert_eq!(
            repair("ml", &json!({})),
            format!("{command} --namespace ml | kubectl apply -f -")
        );
    }

    #[test]
    fn the_policies_are_for_the_account_of_that_namespace() {
        let shipped = shipped(&"ml".parse().unwrap()).unwrap();
        assert_eq!(shipped.len(), 4);
        for policy in shipped
            .iter()
            .filter(|object| object["kind"] == "ValidatingAdmissionPolicy")
        {
            let expression = policy.pointer("/spec/matchConditions/0/expression").unwrap();
            let account = r#"request.userInfo.username == "system:serviceaccount:ml:raygate""#;
            assert_eq!(expression, account);
        }
    }
}
