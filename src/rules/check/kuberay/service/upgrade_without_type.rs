//! Finds an `upgradeStrategy` without a type.

use crate::k8s::json::given;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{GATE, strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG195",
    title: "upgradeStrategy needs a type in KubeRay 1.5 and 1.6",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::between(KubeRay::V1_5, KubeRay::V1_6).gated(GATE, true),
    page: include_str!("upgrade_without_type.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.6.2",
        "ray-operator/controllers/ray/utils/util.go",
        &[840],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if strategy(job).is_some_and(|strategy| strategy.is_object() && given(strategy, "type").is_none()) {
        findings.push(
            Finding::new(
                strategy_path().then_key("type"),
                format!("upgradeStrategy has no type, KubeRay {} crashes on it", cx.kuberay()),
            )
            .fix("set the type, or remove upgradeStrategy"),
        );
    }
}
