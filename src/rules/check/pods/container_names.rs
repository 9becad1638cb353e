//! Finds containers without a name, with a name that is no DNS label, or with the name of another.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::names::dns1123_label;
use crate::policy::settings::Action;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{Faults, in_each_pod};

/// The check.
pub const CHECK: Check = Check {
    code: "RG906",
    title: "Container names must be unique, valid DNS labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("container_names.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4005, 4164],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The init container that KubeRay adds to workers.
const WAIT_FOR_HEAD: &str = "wait-gcs-ready";

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let mut seen = BTreeSet::new();
        for container in &faults.pod.containers {
            if !container.value.is_object() {
                continue;
            }
            let path = faults.pod.container_path(container).then_key("name");
            let name = container.name;
            if name.is_empty() {
                // RG702 names the submitter's containers.
                if faults.pod.role != Role::Submitter {
                    faults.report(path, "a container has no name", "give the container a name");
                }
            } else if let Err(error) = dns1123_label(name) {
                let what = format!("container name {} is not a valid DNS label: {error}", quoted(name));
                faults.report(path, &what, "use lowercase letters, digits and `-`");
            } else if !seen.insert(name) {
                let what = format!("container name {} is used twice in the pod", quoted(name));
                faults.report(path, &what, "give each container and init container a unique name");
            } else if let Some(owner) = added(faults, name) {
                let what = format!("container name {} is that of {owner}, which KubeRay adds", quoted(name));
                faults.report(path, &what, "choose another name");
            } else if faults.pod.role == Role::Worker && name == WAIT_FOR_HEAD {
                // The operator's ENABLE_INIT_CONTAINER_INJECTION=false keeps KubeRay from adding it.
                let what = format!("KubeRay adds an init container named {} by default", quoted(name));
                faults.warn(None, path, (&what, "the API server"), "choose another name");
            }
        }
    });
}

/// Whose name it is, if KubeRay adds a container of that name to the pod.
fn added(faults: &Faults<'_, '_, '_>, name: &str) -> Option<&'static str> {
    let job = faults.job;
    match (faults.pod.role, name) {
        (Role::Head, "autoscaler") if job.autoscales() => Some("the autoscaler"),
        (Role::Head, "ray-job-submitter") if job.submission_mode() == SIDECAR_MODE => Some("the submitter"),
        _ => None,
    }
}
