//! Finds a head whose `restartPolicy` is not `Never` in `SidecarMode`.

use crate::diag::quoted;
use crate::policy::settings::Action;
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::{restart_policy, validation};

/// The check.
pub const CHECK: Check = Check {
    code: "RG128",
    title: "The head must not restart in SidecarMode",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_5).failing_before(),
    page: include_str!("sidecar_restart_policy.md"),
    evidence: &[validation(&[601])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head().filter(|_| job.submission_mode() == SIDECAR_MODE) else {
        return;
    };
    if let Some(policy) = restart_policy(head) {
        findings.push(
            Finding::new(
                head.spec_path().then_key("restartPolicy"),
                format!("head: restartPolicy {} in SidecarMode must be Never", quoted(policy)),
            )
            .fix("set restartPolicy to Never"),
        );
    }
}
