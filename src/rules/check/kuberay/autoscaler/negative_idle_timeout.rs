//! Finds an `autoscalerOptions.idleTimeoutSeconds` below 0, with or without autoscaling.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::options;

/// The check.
pub const CHECK: Check = Check {
    code: "RG166",
    title: "idleTimeoutSeconds must be at least 0",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("negative_idle_timeout.md"),
    evidence: &[validation(&[243])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let seconds = options(job).and_then(|options| given(options, "idleTimeoutSeconds")?.as_i64());
    if let Some(seconds) = seconds.filter(|seconds| *seconds < 0) {
        findings.push(
            Finding::new(
                job.cluster_path("autoscalerOptions").key("idleTimeoutSeconds"),
                format!("autoscaler: idleTimeoutSeconds {seconds} is below 0"),
            )
            .fix("set idleTimeoutSeconds to at least 0"),
        );
    }
}
