//! Finds the variable `KUBERAY_GEN_AUTOSCALER_START_CMD` in `autoscalerOptions.env`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{position, validation};
use super::options;

/// The check.
pub const CHECK: Check = Check {
    code: "RG167",
    title: "The autoscaler's start command must not be overwritten",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_7),
    page: include_str!("start_command.md"),
    evidence: &[validation(&[254])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    const VARIABLE: &str = "KUBERAY_GEN_AUTOSCALER_START_CMD";
    if let Some(index) = options(job).and_then(|options| position(options, VARIABLE)) {
        findings.push(
            Finding::new(
                job.cluster_path("autoscalerOptions").key("env").index(index),
                format!("autoscaler: {VARIABLE} is KubeRay's own"),
            )
            .fix(format!("remove {VARIABLE} from autoscalerOptions.env")),
        );
    }
}
