//! Finds volumes with more than one source.

use crate::diag::{listed, quoted};
use crate::k8s::json::{given, items, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;
use super::source::SOURCES;

/// The check.
pub const CHECK: Check = Check {
    code: "RG904",
    title: "A volume must have one source",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("volume_sources.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[706]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (index, volume) in items(faults.pod.spec, "volumes").iter().enumerate() {
            let sources: Vec<&str> = SOURCES.into_iter().filter(|key| given(volume, key).is_some()).collect();
            if sources.len() < 2 {
                continue;
            }
            let path = faults.pod.spec_path().then_key("volumes").then_index(index);
            let name = quoted(text(volume, "name").unwrap_or_default());
            let what = format!("volume {name} has {} sources: {}", sources.len(), listed(&sources));
            faults.report(path, &what, "keep one source, or make two volumes");
        }
    });
}
