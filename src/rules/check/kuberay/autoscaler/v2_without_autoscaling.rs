//! Finds the variable `RAY_enable_autoscaler_v2` of `1` or `true` in the head while `enableInTreeAutoscaling` is not
//! true.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{V2_VARIABLE, v2_variable};

/// The check.
pub const CHECK: Check = Check {
    code: "RG162",
    title: "The autoscaler v2 needs enableInTreeAutoscaling",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::since(KubeRay::V1_5),
    page: include_str!("v2_without_autoscaling.md"),
    evidence: &[validation(&[209])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if let Some(path) = v2_variable(job).filter(|_| !job.autoscales()) {
        findings.push(
            Finding::new(
                path,
                format!("head: {V2_VARIABLE} is on, and enableInTreeAutoscaling is not"),
            )
            .fix(format!("remove {V2_VARIABLE}, or set enableInTreeAutoscaling to true"))
            .flyte("RayJobConfig(enable_autoscaling=True)"),
        );
    }
}
