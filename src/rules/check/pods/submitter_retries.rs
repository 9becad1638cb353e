//! Finds a negative number of retries of the submitter.

use crate::k8s::json::child;
use crate::policy::settings::Action;
use crate::ray::workload::K8S_JOB_MODE;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG928",
    title: "The submitter must not have a negative backoffLimit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("submitter_retries.md"),
    evidence: &[
        Evidence::Source("Kubernetes 1.37.2", "pkg/apis/batch/validation/validation.go", &[214]),
        Evidence::Test("tests/pods.rs", "no_pod_is_rejected_that_kubernetes_accepts"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let limit = child(child(job.spec, "submitterConfig"), "backoffLimit").as_i64();
    let Some(limit) = limit.filter(|limit| *limit < 0 && job.submission_mode() == K8S_JOB_MODE) else {
        return;
    };
    let path = job.job_path("submitterConfig").then_key("backoffLimit");
    let message = format!("submitter: backoffLimit {limit} is negative, the API server rejects its Job");
    findings.push(Finding::new(path, message).fix("set submitterConfig.backoffLimit to 0 or more"));
}
