//! Rules on the RayService: its start, its head Service and its upgrades (KubeRay 1.7, `validation.go`,
//! `ValidateRayServiceMetadata`, `ValidateRayServiceSpec` and `ValidateClusterUpgradeOptions`).

pub mod deletion_delay;
pub mod head_service_name;
pub mod initializing_timeout;
pub mod step_above_surge;
pub mod upgrade_gate_off;
pub mod upgrade_options;
pub mod upgrade_type;
pub mod upgrade_without_autoscaler;
pub mod upgrade_without_type;

use crate::json::Json;
use crate::k8s::json::{below, given, text};
use crate::k8s::path::Path;
use crate::ray::{KubeRay, Workload};
use crate::rules::check::Versions;

/// The gate of incremental upgrades.
const GATE: &str = "RayServiceIncrementalUpgrade";

/// The type of an upgrade in steps.
const INCREMENTAL: &str = "NewClusterWithIncrementalUpgrade";

/// The releases that check the options of an incremental upgrade.
const fn incremental(since: KubeRay) -> Versions {
    Versions::since(since).gated(GATE, true)
}

/// `upgradeStrategy`, unless missing or null.
fn strategy<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    given(below(job.object, &["spec"]), "upgradeStrategy")
}

fn strategy_path() -> Path {
    Path::of(["spec", "upgradeStrategy"])
}

/// `upgradeStrategy.type`.
fn upgrade_type<'a>(job: &Workload<'a>) -> Option<&'a str> {
    text(strategy(job)?, "type")
}

/// `upgradeStrategy` of a service with incremental upgrades.
fn incremental_strategy<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    strategy(job).filter(|strategy| text(*strategy, "type") == Some(INCREMENTAL))
}
