//! Finds an `upgradeStrategy.type` that KubeRay does not know.

use crate::diag::{listed, quoted, suggest};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{INCREMENTAL, strategy_path, upgrade_type};

/// The check.
pub const CHECK: Check = Check {
    code: "RG177",
    title: "upgradeStrategy.type of a RayService must be a type that KubeRay knows",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("upgrade_type.md"),
    evidence: &[validation(&[699])],
    run,
};

/// The types, in the order in which KubeRay got them.
const TYPES: [&str; 3] = ["NewCluster", "None", INCREMENTAL];

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let known = |kind: &&&str| **kind != INCREMENTAL || cx.kuberay() >= KubeRay::V1_5;
    let types: Vec<&str> = TYPES.iter().filter(known).copied().collect();
    let Some(kind) = upgrade_type(job).filter(|kind| !types.contains(kind)) else {
        return;
    };
    let fix = match suggest(kind, types.iter().copied()) {
        Some(meant) => format!("write `{meant}`"),
        None => format!("use one of {}", listed(&types)),
    };
    findings.push(
        Finding::new(
            strategy_path().then_key("type"),
            format!(
                "upgradeStrategy.type {} is unknown, KubeRay does not start the service",
                quoted(kind)
            ),
        )
        .fix(fix),
    );
}
