//! The deletion strategy and its parts.

use super::super::given;
use crate::k8s::json::{items, text};
use crate::k8s::path::Path;
use crate::ray::{KubeRay, Workload};
use crate::rules::Cx;
use serde_json::Value;

/// `deletionStrategy`, unless it is missing or null.
pub(super) fn strategy<'a>(job: &Workload<'a>) -> Option<&'a Value> {
    given(job.spec, "deletionStrategy")
}

pub(super) fn strategy_path(key: &'static str) -> Path {
    Path::of(["spec", "deletionStrategy", key])
}

pub(super) fn has_ends(strategy: &Value) -> bool {
    ENDS.iter().any(|end| given(strategy, end).is_some())
}

pub(super) fn has_rules(strategy: &Value) -> bool {
    !items(strategy, "deletionRules").is_empty()
}

/// The ends of a job for which the older style names a policy.
pub(super) const ENDS: [&str; 2] = ["onSuccess", "onFailure"];

/// The policies that stand outside of rules, in the fields that this KubeRay knows.
pub(super) fn policies<'a>(cx: &Cx<'_>, job: &Workload<'a>) -> impl Iterator<Item = (Path, &'a str)> {
    let is_old = cx.kuberay() < KubeRay::V1_5;
    let old = is_old
        .then(|| text(job.spec, "deletionPolicy"))
        .flatten()
        .map(|policy| (Path::of(["spec", "deletionPolicy"]), policy));
    let strategy = strategy(job).filter(|_| !is_old);
    let new = ENDS.iter().filter_map(move |end| {
        let policy = text(given(strategy?, end)?, "policy")?;
        Some((strategy_path(end).then_key("policy"), policy))
    });
    old.into_iter().chain(new)
}
