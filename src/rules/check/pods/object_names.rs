//! Finds names of other objects, and host names, that no such object can have.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::k8s::names::{NameError, dns1123_label, dns1123_subdomain};
use crate::policy::settings::Action;
use crate::ray::build::checked_name;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

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
                let what = format!("{key} {} is invalid: {}", quoted(name), error.with_advice());
                faults.report(
                    faults.pod.spec_path().then_key(key),
                    &what,
                    "write the name of the object as it is in the cluster",
                );
            }
        }
    });
}
