//! Finds ephemeral containers in a pod template.

use crate::k8s::json::items;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG925",
    title: "Pod templates must not have ephemeral containers",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("ephemeral_containers.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[5771]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        if !items(faults.pod.spec, "ephemeralContainers").is_empty() {
            let path = faults.pod.spec_path().then_key("ephemeralContainers");
            let fix = "remove them, and use `kubectl debug` on the running pod";
            faults.report(path, "its template has ephemeral containers", fix);
        }
    });
}
