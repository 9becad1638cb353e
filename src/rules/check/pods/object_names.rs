//! Finds names of other objects, and host names, that no such object can have.

use std::borrow::Cow;

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::{child, items, text};
use crate::k8s::names::{NameError, dns1123_label, dns1123_subdomain};
use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::build::checked_name;
use crate::ray::{Container, Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod, reason};

/// The check.
pub const CHECK: Check = Check {
    code: "RG917",
    title: "Names that a pod refers to must be valid",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("object_names.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4818, 4856],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// A field that holds a name, and what reads it.
type Field = (&'static str, fn(&str) -> Result<(), NameError>);

const FIELDS: [Field; 6] = [
    ("serviceAccountName", dns1123_subdomain),
    ("priorityClassName", dns1123_subdomain),
    ("runtimeClassName", dns1123_subdomain),
    ("nodeName", dns1123_subdomain),
    ("hostname", dns1123_label),
    ("subdomain", dns1123_label),
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (field, read) in FIELDS {
            let (key, name) = match field {
                "serviceAccountName" => match faults.pod.service_account() {
                    Some((key, name)) if faults.pod.given_account != Some(name) => (key, name),
                    _ => continue,
                },
                field => (field, text(faults.pod.spec, field).unwrap_or_default()),
            };
            // KubeRay shortens the head's account under autoscaling.
            let shortens = field == "serviceAccountName" && faults.pod.role == Role::Head && job.autoscales();
            let posted = if shortens { checked_name(name) } else { name.to_owned() };
            if let Some(error) = read(&posted).err().filter(|_| !name.is_empty()) {
                let what = format!("{key} {} is invalid: {}", quoted(name), reason(&error, name));
                faults.report(faults.pod.spec_path().then_key(key), &what, FIX);
            }
        }
        for (index, volume) in items(faults.pod.spec, "volumes").iter().enumerate() {
            let at = faults.pod.spec_path().then_key("volumes").then_index(index);
            sources(faults, volume, &at);
            for (index, source) in items(child(volume, "projected"), "sources").iter().enumerate() {
                sources(faults, source, &at.keys(["projected", "sources"]).index(index));
            }
        }
        for container in faults.containers() {
            let at = faults.pod.container_path(container);
            for (index, variable) in items(container.value, "env").iter().enumerate() {
                let at = at.key("env").index(index).key("valueFrom");
                for key in ["secretKeyRef", "configMapKeyRef"] {
                    let reference = child(child(variable, "valueFrom"), key);
                    cannot_exist(faults, Some(container), reference, "name", &at.key(key));
                }
            }
            for (index, source) in items(container.value, "envFrom").iter().enumerate() {
                for key in ["secretRef", "configMapRef"] {
                    let name = text(child(source, key), "name").unwrap_or_default();
                    if let Some(error) = dns1123_subdomain(&masked(name)).err().filter(|_| !name.is_empty()) {
                        let what = format!(
                            "{key} {} of `envFrom` is invalid: {}",
                            quoted(name),
                            reason(&error, name)
                        );
                        let path = at.key("envFrom").index(index).keys([key, "name"]);
                        faults.report_in(container, path, &what, FIX);
                    }
                }
            }
        }
    });
}

const FIX: &str = "write the name of the object as it is in the cluster";

/// The sources of a volume that name another object. A projected volume names a Secret by `name`.
const SOURCES: [(&str, &str); 4] = [
    ("secret", "secretName"),
    ("secret", "name"),
    ("configMap", "name"),
    ("persistentVolumeClaim", "claimName"),
];

fn sources(faults: &mut Faults<'_, '_, '_>, source: Json<'_>, at: &Path) {
    for (key, field) in SOURCES {
        cannot_exist(faults, None, child(source, key), field, &at.key(key));
    }
}

/// Reports a name that the API server accepts here, and that no object can have.
fn cannot_exist(
    faults: &mut Faults<'_, '_, '_>,
    container: Option<&Container<'_>>,
    reference: Json<'_>,
    field: &'static str,
    at: &Path,
) {
    let name = text(reference, field).unwrap_or_default();
    let is_optional = child(reference, "optional").as_bool() == Some(true);
    if let Some(error) = dns1123_subdomain(name)
        .err()
        .filter(|_| !name.is_empty() && !is_optional)
    {
        let what = format!("no object can have the name {}: {}", quoted(name), reason(&error, name));
        faults.never_starts(container, at.key(field), &what, FIX);
    }
}

/// A name as the API server looks at it: a last dash may be the end of a prefix (`apimachinery`, `maskTrailingDash`).
fn masked(name: &str) -> Cow<'_, str> {
    match name.strip_suffix('-').map(|name| name.char_indices().next_back()) {
        Some(Some((last, _))) => Cow::Owned(format!("{}a", name.get(..last).unwrap_or_default())),
        _ => Cow::Borrowed(name),
    }
}
