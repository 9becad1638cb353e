//! Finds a `deletionStrategy` or `deletionPolicy` while its feature gate is off.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::super::{DELETION_GATE, gate_off, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG106",
    title: "deletionStrategy needs the feature gate RayJobDeletionPolicy",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3).gated(DELETION_GATE, false),
    page: include_str!("gate_off.md"),
    evidence: &[validation(&[764])],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let field = if cx.kuberay() < KubeRay::V1_5 {
        "deletionPolicy"
    } else {
        "deletionStrategy"
    };
    if given(job.spec, field).is_some() {
        findings.push(gate_off(
            cx,
            job.job_path(field),
            field,
            DELETION_GATE,
            &format!("remove {field}, and use shutdownAfterJobFinishes and ttlSecondsAfterFinished"),
        ));
    }
}
