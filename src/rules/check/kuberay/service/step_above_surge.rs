//! Finds a `stepSizePercent` above `maxSurgePercent`.

use crate::k8s::json::child;
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{incremental, incremental_strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG188",
    title: "stepSizePercent must not exceed maxSurgePercent",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: incremental(KubeRay::V1_7),
    page: include_str!("step_above_surge.md"),
    evidence: &[validation(&[737])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let options = incremental_strategy(job).map(|strategy| child(strategy, "clusterUpgradeOptions"));
    let number = |key| options.and_then(|options| child(options, key).as_i64());
    let surge = number("maxSurgePercent").unwrap_or(100);
    if let Some(step) = number("stepSizePercent").filter(|step| *step > surge && *step <= 100) {
        findings.push(
            Finding::new(
                strategy_path().keys(["clusterUpgradeOptions", "stepSizePercent"]),
                format!("stepSizePercent is {step}, more than maxSurgePercent {surge}"),
            )
            .fix(format!("write at most {surge}")),
        );
    }
}
