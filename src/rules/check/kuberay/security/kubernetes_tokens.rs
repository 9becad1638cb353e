//! Finds `authOptions.enableK8sTokenAuth: true`.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{AUTH, auth, is_by_kubernetes};

/// The check.
pub const CHECK: Check = Check {
    code: "RG129",
    title: "Kubernetes tokens in a RayJob",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("kubernetes_tokens.md"),
    evidence: &[validation(&[607])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if auth(job).is_some_and(is_by_kubernetes) {
        findings.push(
            Finding::new(
                job.cluster_path(AUTH).then_key("enableK8sTokenAuth"),
                "enableK8sTokenAuth in a RayJob, KubeRay refuses that",
            )
            .fix("remove enableK8sTokenAuth"),
        );
    }
}
