//! Finds `autoscalerOptions.version` beside the head's variable `RAY_enable_autoscaler_v2`, whatever their values, with
//! autoscaling.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::{CLUSTER_RULES, head_variable, validation};
use super::{V2_VARIABLE, options};

/// The check.
pub const CHECK: Check = Check {
    code: "RG163",
    title: "The autoscaler version must be set in one place",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: CLUSTER_RULES,
    page: include_str!("version_twice.md"),
    evidence: &[validation(&[223])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let is_set = options(job).is_some_and(|options| given(options, "version").is_some());
    if let Some(path) = head_variable(job, V2_VARIABLE).filter(|_| is_set && job.autoscales()) {
        findings.push(
            Finding::new(
                path,
                format!("head: {V2_VARIABLE} beside autoscalerOptions.version, KubeRay takes one"),
            )
            .fix(format!("remove {V2_VARIABLE}")),
        );
    }
}
