//! Rules on what is deleted at the end (KubeRay 1.6, `validation.go`, `validateDeletionConfiguration` and
//! `validateLegacyDeletionPolicies`).
//!
//! KubeRay 1.3 and 1.4 have `deletionPolicy`, one policy for every end; 1.5 has `deletionStrategy` instead, with a policy
//! for success and one for failure, or a list of rules. A release's CRD takes away the field that it does not know.

pub mod empty_strategy;
pub mod gate_off;
pub mod no_policy;
pub mod one_end_only;
mod rule;
pub mod rule_condition;
pub mod rule_negative_ttl;
pub mod rule_on_selected_cluster;
pub mod rule_order;
pub mod rule_twice;
pub mod rules_with_shutdown;
pub mod selected_cluster;
pub mod shutdown_and_keep;
pub mod two_styles;
pub mod workers_with_autoscaling;

use crate::json::Json;
use crate::k8s::json::{given, items, text};
use crate::k8s::path::Path;
use crate::ray::{Kind, KubeRay, Workload};
use crate::rules::{Cx, Finding};

/// `deletionStrategy`, unless it is missing or null.
fn strategy<'a>(job: &Workload<'a>) -> Option<Json<'a>> {
    given(job.spec, "deletionStrategy")
}

fn strategy_path(kind: &Kind, key: &'static str) -> Path {
    kind.job_path().then_key("deletionStrategy").then_key(key)
}

fn has_ends(strategy: Json<'_>) -> bool {
    ENDS.iter().any(|end| given(strategy, end).is_some())
}

fn has_rules(strategy: Json<'_>) -> bool {
    !items(strategy, "deletionRules").is_empty()
}

/// The ends of a job for which the older style names a policy.
const ENDS: [&str; 2] = ["onSuccess", "onFailure"];

/// The policies that stand outside of rules, in the fields that this KubeRay knows.
fn policies<'a>(cx: &Cx<'_>, job: &Workload<'a>) -> impl Iterator<Item = (Path, &'a str)> {
    let is_old = cx.kuberay() < KubeRay::V1_5;
    let old = is_old
        .then(|| text(job.spec, "deletionPolicy"))
        .flatten()
        .map(|policy| (job.job_path("deletionPolicy"), policy));
    let strategy = strategy(job).filter(|_| !is_old);
    let new = ENDS.iter().filter_map(move |end| {
        let policy = text(given(strategy?, end)?, "policy")?;
        Some((strategy_path(job.kind, end).then_key("policy"), policy))
    });
    old.into_iter().chain(new)
}

/// Says that a policy would delete a selected cluster.
fn selected_cluster(path: Path, policy: &str) -> Finding {
    Finding::new(
        path,
        format!("{policy} on a selected cluster, which KubeRay does not delete"),
    )
    .fix("use DeleteNone or DeleteSelf, or remove clusterSelector")
}
