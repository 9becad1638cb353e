//! Finds deadlines and grace periods of pods that are out of range.

use crate::k8s::json::child;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Findings};

use super::fault::in_each_pod;

/// The check.
pub const CHECK: Check = Check {
    code: "RG923",
    title: "Pod deadlines and grace periods must be in range",
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

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    in_each_pod(job, findings, |faults| {
        for (key, least, most) in [
            ("activeDeadlineSeconds", 1, i64::from(i32::MAX)),
            ("terminationGracePeriodSeconds", 0, i64::MAX),
        ] {
            let seconds = child(faults.pod.spec, key).as_i64();
            if let Some(seconds) = seconds.filter(|seconds| !(least..=most).contains(seconds)) {
                let what = format!("{key} is {seconds}, must be at least {least}");
                let what = if seconds > most {
                    format!("{key} is {seconds}, must be at most {most}")
                } else {
                    what
                };
                faults.report(
                    faults.pod.spec_path().then_key(key),
                    &what,
                    "correct the number, or leave it out",
                );
            }
        }
    });
}
