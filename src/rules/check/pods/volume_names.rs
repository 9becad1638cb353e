//! Finds volumes without a name, with a name that is no DNS label, or with the name of another.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::json::{items, text};
use crate::k8s::names::dns1123_label;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG903",
    title: "Volume names must be unique, valid DNS labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("volume_names.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[476]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let mut seen = BTreeSet::new();
        for (index, volume) in items(faults.pod.spec, "volumes").iter().enumerate() {
            if !volume.is_object() {
                continue;
            }
            let name = text(volume, "name").unwrap_or_default();
            let path = faults
                .pod
                .spec_path()
                .then_key("volumes")
                .then_index(index)
                .then_key("name");
            if name.is_empty() {
                faults.report(
                    path,
                    &format!("volume {} has no name", index + 1),
                    "give the volume a name",
                );
            } else if let Err(error) = dns1123_label(name) {
                let what = format!("volume name {} is not a valid DNS label: {error}", quoted(name));
                faults.report(path, &what, "use lowercase letters, digits and `-`");
            } else if !seen.insert(name) {
                let what = format!("volume name {} is used twice", quoted(name));
                faults.report(path, &what, "give each volume a unique name");
            }
        }
    });
}
