//! Finds environment variables without a name, and sources of variables that are incomplete.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{child, given, items, text};
use crate::k8s::names::label_key;
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{Container, Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};

/// The check.
pub const CHECK: Check = Check {
    code: "RG908",
    title: "Environment variables must have a name and one source",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("env.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[2882, 2991],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The sources of a variable. Older releases do not know the last one.
const SOURCES: [&str; 5] = [
    "fieldRef",
    "resourceFieldRef",
    "configMapKeyRef",
    "secretKeyRef",
    "fileKeyRef",
];

/// The fields of a pod that a variable may have.
const FIELDS: [&str; 10] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The resources of a container that a variable may have, below `limits` and `requests`.
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let pod = faults.pod;
        for container in faults.containers() {
            let at = |list, index| pod.container_path(container).then_key(list).then_index(index);
            for (index, variable) in items(container.value, "env").iter().enumerate() {
                if variable.is_object() {
                    look(faults, container, variable, &|| at("env", index));
                }
            }
            for (index, source) in items(container.value, "envFrom").iter().enumerate() {
                if source.is_object() {
                    look_from(faults, container, source, &|| at("envFrom", index));
                }
            }
        }
    });
}

fn look(faults: &mut Faults<'_, '_, '_>, container: &Container<'_>, variable: Json<'_>, at: &dyn Fn() -> Path) {
    let name = text(variable, "name").unwrap_or_default();
    if name.is_empty() {
        faults.report_in(
            container,
            at().then_key("name"),
            "a variable of `env` has no name",
            "give the variable a name",
        );
    } else if name.contains('=') || !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let what = format!(
            "the variable name {} has a character that no name may have",
            quoted(name)
        );
        faults.report_in(container, at().then_key("name"), &what, "use letters, digits and `_`");
    } else if !is_strict(name) {
        let what = format!(
            "the variable name {} is not made of letters, digits, `_`, `-` and `.`",
            quoted(name)
        );
        let who = "Kubernetes before 1.32";
        faults.warn(
            Some(container),
            at().then_key("name"),
            (&what, who),
            "use letters, digits and `_`",
        );
    }
    let Some(source) = given(variable, "valueFrom").filter(|source| source.is_object()) else {
        return;
    };
    let sources = SOURCES.into_iter().filter(|key| given(source, key).is_some()).count();
    let shown = || quoted(name);
    let at = || at().then_key("valueFrom");
    if sources == 0 {
        let fix = "name a secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef";
        faults.report_in(
            container,
            at(),
            &format!("variable {}: its valueFrom is empty", shown()),
            fix,
        );
    } else if text(variable, "value").is_some_and(|value| !value.is_empty()) {
        let what = format!("variable {} has both value and valueFrom", shown());
        faults.report_in(container, at(), &what, "keep one of them");
    } else if sources > 1 {
        let what = format!("variable {} has more than one source", shown());
        faults.report_in(container, at(), &what, "keep one source");
    }
    for key in ["configMapKeyRef", "secretKeyRef"] {
        let lacks = |field: &str| {
            let reference = given(source, key).filter(|reference| reference.is_object());
            reference.is_some_and(|reference| text(reference, field).is_none_or(str::is_empty))
        };
        if lacks("key") {
            let what = format!("variable {}: its {key} has no key", shown());
            faults.report_in(container, at().keys([key, "key"]), &what, "set key");
        }
    }
    let field = given(source, "fieldRef").map(|field| text(field, "fieldPath").unwrap_or_default());
    if let Some(field) = field.filter(|field| !is_field(field)) {
        let what = format!("variable {}: no variable can have the field {}", shown(), quoted(field));
        let fix = "use a field such as metadata.name, metadata.labels['KEY'], status.podIP or spec.nodeName";
        faults.report_in(container, at().keys(["fieldRef", "fieldPath"]), &what, fix);
    }
    let resource = given(source, "resourceFieldRef").map(|field| text(field, "resource").unwrap_or_default());
    if let Some(resource) = resource.filter(|resource| !is_resource(resource)) {
        let what = format!(
            "variable {}: no variable can have the resource {}",
            shown(),
            quoted(resource)
        );
        let fix = "use limits or requests of cpu, memory or ephemeral-storage";
        faults.report_in(container, at().keys(["resourceFieldRef", "resource"]), &what, fix);
    }
}

fn look_from(faults: &mut Faults<'_, '_, '_>, container: &Container<'_>, source: Json<'_>, at: &dyn Fn() -> Path) {
    let sources = ["configMapRef", "secretRef"].map(|key| (key, given(source, key)));
    let given = sources.iter().filter(|(_, reference)| reference.is_some()).count();
    if given != 1 {
        let what = match given {
            0 => "an entry of `envFrom` has no source",
            _ => "an entry of `envFrom` has two sources",
        };
        faults.report_in(container, at(), what, "name one configMapRef or secretRef");
    }
    for (key, reference) in sources {
        let reference = reference.filter(|reference| reference.is_object());
        if reference.is_some_and(|reference| text(reference, "name").is_none_or(str::is_empty)) {
            let what = format!("a {key} of `envFrom` has no name");
            faults.report_in(container, at().keys([key, "name"]), &what, "set name");
        }
    }
    let prefix = child(source, "prefix").as_str().unwrap_or_default();
    if prefix.contains('=') || !prefix.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let what = format!(
            "the prefix {} of `envFrom` has a character that no name may have",
            quoted(prefix)
        );
        faults.report_in(container, at().then_key("prefix"), &what, "use letters, digits and `_`");
    }
}

/// Whether every release takes the name (`k8s.io/apimachinery`, `IsEnvVarName`).
fn is_strict(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_dots = name == "." || name.starts_with("..");
    name.bytes().all(is_inner) && !name.starts_with(|first: char| first.is_ascii_digit()) && !is_dots
}

fn is_field(field: &str) -> bool {
    let subscript = |prefix: &str| field.strip_prefix(prefix)?.strip_prefix("['")?.strip_suffix("']");
    let is_key = |key: &str| label_key(key).is_ok();
    FIELDS.contains(&field)
        || subscript("metadata.labels").is_some_and(is_key)
        || subscript("metadata.annotations").is_some_and(|key| is_key(&key.to_lowercase()))
}

fn is_resource(resource: &str) -> bool {
    let name = ["limits.", "requests."]
        .iter()
        .find_map(|block| resource.strip_prefix(block));
    name.is_some_and(|name| RESOURCES.contains(&name) || name.starts_with("hugepages-"))
}
