//! The webhook configurations: what the API server asks raygate, and what it does without an answer.

use serde_json::{Value, json};

use crate::certs::DnsLabel;
use crate::install::{self, Certificates, IMAGE, Install, NAMESPACE, REPLICAS, SERVICE, excess};

use super::Findings;

/// The two kinds of webhook configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Mutating,
    Validating,
}

impl Kind {
    pub(super) const BOTH: [Self; 2] = [Self::Mutating, Self::Validating];

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Mutating => "MutatingWebhookConfiguration",
            Self::Validating => "ValidatingWebhookConfiguration",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Mutating => "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            Self::Validating => "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        }
    }

    /// The kind as kubectl takes it.
    pub(super) fn resource(self) -> String {
        self.kind().to_lowercase()
    }

    /// The name of its check.
    pub(super) fn check(self) -> &'static str {
        match self {
            Self::Mutating => "mutating",
            Self::Validating => "validating",
        }
    }
}

/// What must be as it is shipped, and what it means where it is not.
const FIELDS: [(&str, &str); 6] = [
    ("failurePolicy", "what happens to RayJobs while raygate does not answer"),
    ("timeoutSeconds", "how long a RayJob waits for raygate"),
    ("reinvocationPolicy", "whether raygate sees what later webhooks change"),
    (
        "matchPolicy",
        "whether RayJobs of other served versions come to raygate",
    ),
    ("matchConditions", "which changes come to raygate"),
    ("sideEffects", "whether dry runs come to raygate"),
];

/// Holds a configuration against the shipped one.
pub(super) fn judge(kind: Kind, found: &Value, others: &[Value], findings: &mut Findings) {
    let name = name_of(found);
    let before = findings.0.len();
    let Some(shipped) = shipped(kind) else {
        return findings.note(
            kind.check(),
            "the shipped configuration cannot be built: a defect of this binary",
        );
    };
    let webhooks = found.get("webhooks").and_then(Value::as_array).into_iter().flatten();
    for (at, webhook) in webhooks.enumerate() {
        let repair = |field: &str| {
            let value = shipped.get(field).unwrap_or(&Value::Null);
            patch(kind, name, &format!("/webhooks/{at}/{field}"), value)
        };
        for (field, meaning) in FIELDS {
            let (seen, wanted) = (webhook.get(field), shipped.get(field));
            if seen != wanted && wanted.is_some() {
                let seen = seen.map_or_else(|| "absent".to_owned(), Value::to_string);
                let wanted = wanted.map_or_else(String::new, Value::to_string);
                let seen = format!("{name}: {field} is {seen}, shipped as {wanted}: it says {meaning}");
                findings.warning(kind.check(), seen, repair(field));
            }
        }
        if !excludes(webhook, "kube-system") {
            findings.warning(
                kind.check(),
                format!("{name}: its namespaceSelector does not exclude kube-system"),
                repair("namespaceSelector"),
            );
        }
        let wide = excess(&json!({"webhooks": [webhook]}));
        if wide.is_empty() && webhook.get("rules") != shipped.get("rules") {
            findings.warning(
                kind.check(),
                format!("{name}: its rules are not the shipped ones; RayJobs may pass by raygate"),
                repair("rules"),
            );
        }
        for excess in wide {
            findings.error(kind.check(), format!("{name}: {excess}"), repair("rules"));
        }
    }
    if kind == Kind::Mutating {
        let earlier = others
            .iter()
            .map(name_of)
            .find(|other| other.contains("kueue") && *other < name);
        if let Some(kueue) = earlier {
            findings.warning(
                kind.check(),
                format!("{name}: {kueue} is called before it, and does not see the labels that raygate adds"),
                format!(
                    "kubectl delete {} {name}\n# then install again, as it was installed: it is then called {}",
                    kind.resource(),
                    install::CONFIGURATION
                ),
            );
        }
    }
    if findings.0.len() == before {
        findings.ok(kind.check(), format!("{name} is as shipped, and matches RayJobs only"));
    }
}

/// The command that sets one field.
pub(super) fn patch(kind: Kind, name: &str, path: &str, value: &Value) -> String {
    // `add` replaces what is there, and takes no offence where nothing is.
    let patch = json!([{"op": "add", "path": path, "value": value}]).to_string();
    let quoted = patch.replace('\'', "'\\''");
    format!("kubectl patch {} {name} --type json -p '{quoted}'", kind.resource())
}

pub(super) fn name_of(configuration: &Value) -> &str {
    let name = configuration.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or_default()
}

fn excludes(webhook: &Value, namespace: &str) -> bool {
    let expressions = webhook.pointer("/namespaceSelector/matchExpressions");
    expressions.and_then(Value::as_array).into_iter().flatten().any(|one| {
        one.get("key").is_some_and(|key| key == "kubernetes.io/metadata.name")
            && one.get("operator").is_some_and(|operator| operator == "NotIn")
            && one
                .get("values")
                .and_then(Value::as_array)
                .is_some_and(|values| values.iter().any(|value| value == namespace))
    })
}

/// The webhook of that kind, as this binary installs it.
fn shipped(kind: Kind) -> Option<Value> {
    let namespace: DnsLabel = NAMESPACE.parse().ok()?;
    let service: DnsLabel = SERVICE.parse().ok()?;
    let image = IMAGE.parse().ok()?;
    let objects = install::objects(&Install {
        namespace: &namespace,
        service: &service,
        image: &image,
        replicas: REPLICAS,
        certificates: Certificates::Files(None),
        components: &[],
        url: None,
        excluded_namespaces: &[],
        policies: &[],
    })
    .ok()?;
    let configuration = objects
        .iter()
        .find(|object| object.get("kind").is_some_and(|seen| seen == kind.kind()))?;
    configuration.pointer("/webhooks/0").cloned()
}
