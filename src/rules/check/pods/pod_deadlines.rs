//! Finds deadlines of pods that are out of range.

use crate::k8s::json::child;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG923",
    title: "Pod deadlines must be in range",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("pod_deadlines.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/core/validation/validation.go", &[4834]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

/// The longest deadline, in seconds.
const MOST: i64 = 2_147_483_647;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        let key = "activeDeadlineSeconds";
        let seconds = child(faults.pod.spec, key).as_i64();
        if let Some(seconds) = seconds.filter(|seconds| !(1..=MOST).contains(seconds)) {
            let what = format!("{key} {seconds} is not between 1 and {MOST}");
            faults.report(
                faults.pod.spec_path().then_key(key),
                &what,
                "correct the number, or leave it out",
            );
        }
    });
}
