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
    title: "enableK8sTokenAuth is supported in a RayCluster only",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayJob", "RayService", "RayCronJob"]),
    versions: Versions::since(KubeRay::V1_6),
    page: include_str!("kubernetes_tokens.md"),
    evidence: &[validation(&[607, 682])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if auth(job).is_some_and(is_by_kubernetes) {
        findings.push(
            Finding::new(
                job.cluster_path(AUTH).then_key("enableK8sTokenAuth"),
                format!("enableK8sTokenAuth in a {}, KubeRay refuses that", job.kind.name),
            )
            .fix("remove enableK8sTokenAuth"),
        );
    }
}
