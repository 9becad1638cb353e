//! The webhook configurations: what the API server asks raygate, and what it does without an answer.

use serde_json::{Value, json};

use crate::certs::DnsLabel;
use crate::install::{
    self, Certificates, Component, Difference, IMAGE, Install, NAMESPACE, REPLICAS, SERVICE, differences, excess,
};

use super::Findings;
use super::workload::Chosen;

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

/// What the fields of a webhook say.
const MEANINGS: [(&str, &str); 7] = [
    ("failurePolicy", "what happens to objects while raygate does not answer"),
    ("reinvocationPolicy", "whether raygate sees what later webhooks change"),
    (
        "matchPolicy",
        "whether objects of other served versions come to raygate",
    ),
    (
        "matchConditions",
        "which changes come to raygate, by users that the policies in raygate's ConfigMap name",
    ),
    ("namespaceSelector", "whose objects come to raygate"),
    ("objectSelector", "which objects come to raygate"),
    ("sideEffects", "whether dry runs come to raygate"),
];

/// Holds a configuration against the shipped one, with what was chosen at the installation.
pub(super) fn judge(kind: Kind, found: &Value, others: &[Value], chosen: &Chosen, findings: &mut Findings) {
    let name = name_of(found);
    let before = findings.0.len();
    let Some(shipped) = shipped(kind, chosen) else {
        return findings.note(
            kind.check(),
            "the shipped configuration cannot be built: a defect of this binary",
        );
    };
    for difference in differences(&shipped, Some(found)) {
        judge_difference(kind, found, &shipped, &difference, findings);
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
        let kinds = install::registered_kinds(found);
        findings.ok(kind.check(), format!("{name} is as shipped, and matches only {kinds}"));
    }
}

fn judge_difference(kind: Kind, found: &Value, shipped: &Value, difference: &Difference, findings: &mut Findings) {
    let name = name_of(found);
    let seen = format!("{name}: {}", difference.text);
    let Some((at, webhook)) = find(found, &difference.webhook) else {
        let install = format!(
            "kubectl delete {} {name}\n# then install again, as it was installed: deploy/README.md",
            kind.resource()
        );
        return findings.error(kind.check(), seen, install);
    };
    let Some(field) = difference.field.as_deref() else {
        return findings.warning(kind.check(), seen, patch(kind, name, &format!("/webhooks/{at}"), None));
    };
    let shipped = find(shipped, &difference.webhook).and_then(|(_, shipped)| shipped.get(field));
    let repair = patch(kind, name, &format!("/webhooks/{at}/{field}"), shipped);
    match field {
        // Where it leads, and whether raygate is found there, is for the other checks.
        "clientConfig" => {}
        "namespaceSelector" if leaves_out_more(webhook.get(field), shipped) => {}
        "rules" => {
            let wide: Vec<_> = excess(found)
                .into_iter()
                .filter(|wide| wide.webhook == difference.webhook)
                .collect();
            if wide.is_empty() {
                findings.warning(
                    kind.check(),
                    format!("{seen}: objects of a kind that is left out are created unjudged"),
                    &*repair,
                );
            }
            for excess in wide {
                findings.error(kind.check(), format!("{name}: {excess}"), &*repair);
            }
        }
        // Helm has a value for it.
        "timeoutSeconds" => findings.note(kind.check(), seen),
        _ => {
            let meaning = MEANINGS.iter().find(|(named, _)| *named == field);
            let meaning = meaning.map_or_else(String::new, |(_, meaning)| format!(": it says {meaning}"));
            findings.warning(kind.check(), seen + &meaning, repair);
        }
    }
}

/// A webhook of a configuration by its name, with its place.
fn find<'c>(configuration: &'c Value, name: &str) -> Option<(usize, &'c Value)> {
    let webhooks = configuration.get("webhooks")?.as_array()?;
    webhooks
        .iter()
        .enumerate()
        .find(|(_, webhook)| webhook.get("name").is_some_and(|named| named == name))
}

/// Whether a selector of namespaces differs from the shipped one in nothing but the namespaces that it leaves out besides
/// kube-system, which is for whoever installs to choose.
fn leaves_out_more(found: Option<&Value>, shipped: Option<&Value>) -> bool {
    const NAMES: &str = "/matchExpressions/0/values";
    let (Some(mut found), Some(shipped)) = (found.cloned(), shipped) else {
        return false;
    };
    let (Some(left_out), Some(usual)) = (found.pointer_mut(NAMES), shipped.pointer(NAMES)) else {
        return false;
    };
    let names = std::mem::replace(left_out, usual.clone());
    found == *shipped
        && names
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == "kube-system"))
}

/// The command that sets a part of a configuration, or takes it away.
pub(super) fn patch(kind: Kind, name: &str, path: &str, value: Option<&Value>) -> String {
    let operation = match value {
        // It replaces what is there, and takes no offence where nothing is.
        Some(value) => json!({"op": "add", "path": path, "value": value}),
        None => json!({"op": "remove", "path": path}),
    };
    let quoted = json!([operation]).to_string().replace('\'', "'\\''");
    format!("kubectl patch {} {name} --type json -p '{quoted}'", kind.resource())
}

pub(super) fn name_of(configuration: &Value) -> &str {
    let name = configuration.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// The configuration of that kind, as this binary installs it.
fn shipped(kind: Kind, chosen: &Chosen) -> Option<Value> {
    let namespace: DnsLabel = NAMESPACE.parse().ok()?;
    let service: DnsLabel = SERVICE.parse().ok()?;
    let image = IMAGE.parse().ok()?;
    let objects = install::objects(&Install {
        namespace: &namespace,
        service: &service,
        image: &image,
        replicas: REPLICAS,
        certificates: Certificates::Files(None),
        components: if chosen.fails_open { &[Component::FailOpen] } else { &[] },
        url: None,
        kinds: &chosen.kinds,
        excluded_namespaces: &[],
        controllers: &chosen.controllers,
        policies: &[],
    })
    .ok()?;
    objects
        .into_iter()
        .find(|object| object.get("kind").is_some_and(|seen| seen == kind.kind()))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::install::Controllers;

    /// What is found in the shipped configuration after an edit: level, a part of the words, and of the repair.
    #[track_caller]
    fn assert_found(edit: impl Fn(&mut Value), expected: &[(Level, &str, &str)]) {
        let mut found = shipped(Kind::Validating, &Chosen::default()).unwrap();
        edit(&mut found);
        let mut findings = Findings::default();
        judge(Kind::Validating, &found, &[], &Chosen::default(), &mut findings);
        assert_eq!(findings.0.len(), expected.len(), "{findings:#?}");
        for (finding, (level, seen, repair)) in findings.0.iter().zip(expected) {
            assert_eq!(finding.level, *level, "{finding:?}");
            assert!(finding.seen.contains(seen), "{finding:?}");
            assert!(
                finding.repair.as_deref().unwrap_or_default().contains(repair),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn what_is_chosen_at_the_installation_is_no_finding() {
        let fine = [(Level::Ok, "is as shipped", "")];
        assert_found(|_| {}, &fine);
        assert_found(
            |found| {
                let webhook = &mut found["webhooks"][0];
                webhook["clientConfig"] = json!({"url": "https://ray.example.com/validate", "caBundle": "Q0E="});
                webhook["objectSelector"] = json!({});
                let names = webhook.pointer_mut("/namespaceSelector/matchExpressions/0/values");
                names.unwrap().as_array_mut().unwrap().push(json!("sandbox"));
            },
            &fine,
        );
    }

    #[test]
    fn failures_are_ignored_where_that_was_chosen() {
        let chosen = |fails_open| Chosen {
            fails_open,
            ..Chosen::default()
        };
        let open = shipped(Kind::Validating, &chosen(true)).unwrap();
        for (fails_open, level) in [(true, Level::Ok), (false, Level::Warning)] {
            let mut findings = Findings::default();
            judge(Kind::Validating, &open, &[], &chosen(fails_open), &mut findings);
            assert_eq!(findings.0.first().map(|finding| finding.level), Some(level));
        }
    }

    #[test]
    fn users_that_the_policies_do_not_name_are_found() {
        let named = Chosen {
            controllers: Controllers {
                queue_controllers: vec!["system:serviceaccount:queues:kueue".to_owned()],
                ..Controllers::default()
            },
            ..Chosen::default()
        };
        for kind in Kind::BOTH {
            let mut findings = Findings::default();
            judge(kind, &shipped(kind, &named).unwrap(), &[], &named, &mut findings);
            judge(
                kind,
                &shipped(kind, &Chosen::default()).unwrap(),
                &[],
                &named,
                &mut findings,
            );
            let [fine, drifted] = &findings.0[..] else {
                panic!("{findings:#?}");
            };
            assert_eq!(
                (fine.level, drifted.level),
                (Level::Ok, Level::Warning),
                "{findings:#?}"
            );
            for user in [
                "kueue-system:kueue-controller-manager",
                "system:serviceaccount:queues:kueue",
            ] {
                assert!(drifted.seen.contains(user), "{}", drifted.seen);
            }
            let repair = drifted.repair.as_deref().unwrap();
            assert!(repair.contains("/webhooks/0/matchConditions"), "{repair}");
            assert!(repair.contains("system:serviceaccount:queues:kueue"), "{repair}");
        }
    }

    #[test]
    fn whatever_keeps_rayjobs_away_is_found() {
        let selector =
            |change: fn(&mut Value)| move |found: &mut Value| change(&mut found["webhooks"][0]["namespaceSelector"]);
        let narrower = [(
            Level::Warning,
            "namespaceSelector of webhook rayjob.raygate.dev is",
            r#"{"op":"add","path":"/webhooks/0/namespaceSelector","value""#,
        )];
        assert_found(selector(|it| it["matchLabels"] = json!({"team": "ml"})), &narrower);
        assert_found(
            selector(|it| it["matchExpressions"][0]["values"] = json!(["raygate-system"])),
            &narrower,
        );
        assert_found(selector(|it| *it = json!({})), &narrower);
        assert_found(
            |found| found["webhooks"][0]["objectSelector"] = json!({"matchLabels": {"gate": "on"}}),
            &[(
                Level::Warning,
                "it says which objects come to raygate",
                r#"[{"op":"remove","path":"/webhooks/0/objectSelector"}]"#,
            )],
        );
        assert_found(
            |found| found["webhooks"][0]["rules"][0]["resources"] = json!(["raycronjobs"]),
            &[(Level::Warning, "created unjudged", "/webhooks/0/rules")],
        );
    }

    #[test]
    fn a_webhook_more_or_less_is_found() {
        assert_found(
            |found| found["webhooks"] = json!([]),
            &[(
                Level::Error,
                "webhook rayjob.raygate.dev is not in it",
                "kubectl delete validatingwebhookconfiguration admission.raygate.dev",
            )],
        );
        assert_found(
            |found| {
                let mut other = found["webhooks"][0].clone();
                other["name"] = json!("pods.example.com");
                found["webhooks"].as_array_mut().unwrap().insert(0, other);
                found["webhooks"][1]["rules"][0]["operations"] = json!(["*"]);
            },
            &[
                (
                    Level::Error,
                    "webhooks[1].rules[0].operations[0] is `*`",
                    "/webhooks/1/rules",
                ),
                (
                    Level::Warning,
                    "webhook pods.example.com is not raygate's",
                    r#"[{"op":"remove","path":"/webhooks/0"}]"#,
                ),
            ],
        );
    }
}
