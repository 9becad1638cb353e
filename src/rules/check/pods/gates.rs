//! Finds scheduling gates and readiness gates with invalid or doubled names.

use std::collections::BTreeSet;

use crate::diag::quoted;
use crate::k8s::json::{items, text};
use crate::k8s::names::label_key;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG924",
    title: "Pod gates must have unique, valid names",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("gates.md"),
    evidence: &[
        Evidence::Source(
            "Kubernetes 1.37.2",
            "pkg/apis/core/validation/validation.go",
            &[4255, 4263],
        ),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (list, key) in [("schedulingGates", "name"), ("readinessGates", "conditionType")] {
            let mut seen = BTreeSet::new();
            for (index, gate) in items(faults.pod.spec, list).iter().enumerate() {
                if !gate.is_object() {
                    continue;
                }
                let name = text(gate, key).unwrap_or_default();
                let path = faults.pod.spec_path().then_key(list).then_index(index).then_key(key);
                if let Err(error) = label_key(name) {
                    let what = format!("{list}: the name {} is invalid, {error}", quoted(name));
                    faults.report(path, &what, "correct the name");
                } else if !seen.insert(name) && list == "schedulingGates" {
                    let what = format!("{list} has {} twice", quoted(name));
                    faults.report(path, &what, "keep one of them");
                }
            }
        }
    });
}
