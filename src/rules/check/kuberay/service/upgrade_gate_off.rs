//! Finds incremental upgrades where their feature gate is off.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{GATE, incremental_strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG197",
    title: "Incremental upgrades need the feature gate RayServiceIncrementalUpgrade",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::since(KubeRay::V1_5).gated(GATE, false),
    page: include_str!("upgrade_gate_off.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/rayservice_controller.go",
        &[884],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if incremental_strategy(job).is_some() {
        findings.push(
            Finding::new(
                strategy_path().then_key("type"),
                format!("the feature gate {GATE} is off, KubeRay never upgrades this service"),
            )
            .fix("use the type `NewCluster`, or have the gate turned on"),
        );
    }
}
