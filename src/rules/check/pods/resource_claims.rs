//! Finds claims of containers that the pod does not have, and claims of the pod that name no source.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::json::{below, given, items, text};
use crate::k8s::names::{dns1123_label, dns1123_subdomain};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG918",
    title: "Resource claims must be declared in the pod",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("resource_claims.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[3325, 8374],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let mut known = BTreeSet::new();
        for (index, claim) in items(faults.pod.spec, "resourceClaims").iter().enumerate() {
            if !claim.is_object() {
                continue;
            }
            let at = faults.pod.spec_path().then_key("resourceClaims").then_index(index);
            let name = text(claim, "name").unwrap_or_default();
            if let Err(error) = dns1123_label(name) {
                let what = format!("resource claim name {} is not a valid DNS label: {error}", quoted(name));
                faults.report(at.key("name"), &what, "use lowercase letters, digits and `-`");
            } else if !known.insert(name) {
                let what = format!("resource claim name {} is used twice", quoted(name));
                faults.report(at.key("name"), &what, "give each claim a unique name");
            }
            let sources = ["resourceClaimName", "resourceClaimTemplateName"];
            for key in sources {
                let source = text(claim, key);
                if let Some((source, error)) =
                    source.and_then(|source| Some((source, dns1123_subdomain(source).err()?)))
                {
                    let what = format!(
                        "resource claim {}: its {key} {} is invalid: {error}",
                        quoted(name),
                        quoted(source)
                    );
                    faults.report(
                        at.key(key),
                        &what,
                        "write the name of the object as it is in the cluster",
                    );
                }
            }
            let sources = sources.into_iter().filter(|key| given(claim, key).is_some()).count();
            if sources != 1 {
                let wrong = if sources == 0 {
                    "names no claim"
                } else {
                    "names a claim and a template"
                };
                let what = format!("resource claim {} {wrong}", quoted(name));
                faults.report(at, &what, "set either resourceClaimName or resourceClaimTemplateName");
            }
        }
        for container in faults.containers() {
            let claims = items(below(container.value, &["resources"]), "claims");
            for (index, claim) in claims.iter().enumerate() {
                let name = text(claim, "name").unwrap_or_default();
                if known.contains(name) || !claim.is_object() {
                    continue;
                }
                let at = faults
                    .pod
                    .container_path(container)
                    .keys(["resources", "claims"])
                    .index(index);
                let what = format!("claims {}, which is no resource claim of the pod", quoted(name));
                faults.report_in(
                    container,
                    at.key("name"),
                    &what,
                    "add the claim to `resourceClaims` of the pod",
                );
            }
        }
    });
}
