//! Finds options with which KubeRay cannot do an incremental upgrade.

use crate::diag::listed;
use crate::k8s::json::{child, given, text};
use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::Check;
use crate::rules::{Cx, Finding, Findings};

use super::super::validation;
use super::{incremental, incremental_strategy, strategy_path};

/// The check.
pub const CHECK: Check = Check {
    code: "RG187",
    title: "Incremental upgrades need complete clusterUpgradeOptions",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Only(&["RayService"]),
    versions: incremental(KubeRay::V1_5),
    page: include_str!("upgrade_options.md"),
    evidence: &[validation(&[724, 729, 733, 741, 745])],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(strategy) = incremental_strategy(job) else {
        return;
    };
    let path = strategy_path().then_key("clusterUpgradeOptions");
    let Some(options) = given(strategy, "clusterUpgradeOptions") else {
        findings.push(
            Finding::new(path, "clusterUpgradeOptions is required for an incremental upgrade").fix(format!(
                "set {}",
                listed(&["stepSizePercent", "intervalSeconds", "gatewayClassName"])
            )),
        );
        return;
    };
    let mut wrong = |key: &'static str, problem: String, fix: &str| {
        findings.push(Finding::new(path.key(key), format!("{key} {problem}")).fix(fix));
    };
    let percents = [("maxSurgePercent", Some(100)), ("stepSizePercent", None)];
    for (key, default) in percents {
        match child(options, key).as_i64().or(default) {
            Some(0..=100) => {}
            Some(percent) => wrong(
                key,
                format!("is {percent}, must be from 0 to 100"),
                "write a value from 0 to 100",
            ),
            None => wrong(
                key,
                "is required for an incremental upgrade".to_owned(),
                "write a value from 0 to 100",
            ),
        }
    }
    match child(options, "intervalSeconds").as_i64() {
        Some(1..) => {}
        Some(seconds) => wrong(
            "intervalSeconds",
            format!("is {seconds}, must be at least 1"),
            "write 1 or more",
        ),
        None => wrong(
            "intervalSeconds",
            "is required for an incremental upgrade".to_owned(),
            "write 1 or more",
        ),
    }
    if text(options, "gatewayClassName").is_none_or(str::is_empty) {
        wrong(
            "gatewayClassName",
            "is required for an incremental upgrade".to_owned(),
            "name a GatewayClass of the cluster",
        );
    }
}
