//! Finds keys and values of a node selector that no label can have.

use crate::diag::quoted;
use crate::json::Json;
use crate::k8s::json::child;
use crate::k8s::names::{label_key, label_value};
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::{in_each_pod, reason};

/// The check.
pub const CHECK: Check = Check {
    code: "RG912",
    title: "Node selectors must be valid labels",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("node_selector.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[4805]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let selector = child(faults.pod.spec, "nodeSelector").as_object();
        for (key, value) in selector.into_iter().flatten() {
            let path = || faults.pod.spec_path().then_key("nodeSelector").name(key);
            if let Err(error) = label_key(key) {
                let what = format!("node selector key {} is invalid: {}", quoted(key), reason(&error, key));
                faults.report(path(), &what, "write the key of the node's label");
            }
            let value = Some(value).and_then(Json::as_str).unwrap_or_default();
            if let Err(error) = label_value(value) {
                let why = reason(&error, value);
                let (key, value) = (quoted(key), quoted(value));
                let what = format!("node selector {key} has the invalid value {value}: {why}");
                faults.report(path(), &what, "write the value of the node's label");
            }
        }
    });
}
