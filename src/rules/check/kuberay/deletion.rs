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
mod strategy;
pub mod two_styles;
pub mod workers_with_autoscaling;

use crate::k8s::path::Path;
use crate::rules::Finding;

use strategy::{ENDS, has_ends, has_rules, policies, strategy, strategy_path};

/// Says that a policy would delete a selected cluster.
fn selected_cluster(path: Path, policy: &str) -> Finding {
    Finding::new(
        path,
        format!("{policy} on a selected cluster, which KubeRay does not delete"),
    )
    .fix("use DeleteNone or DeleteSelf, or remove clusterSelector")
}
