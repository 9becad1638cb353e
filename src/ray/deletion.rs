//! What a `deletionStrategy` deletes at the end of a job (KubeRay 1.6, `rayjob_types.go` and `rayjob_controller.go`).

use crate::json::Json;
use crate::k8s::json::{given, items, text};

use super::KubeRay;

/// The policies after which no worker is left.
pub const DELETE_PODS: [&str; 3] = ["DeleteWorkers", "DeleteCluster", "DeleteSelf"];

/// The policies after which no pod of the cluster is left.
pub const DELETE_CLUSTER: [&str; 2] = ["DeleteCluster", "DeleteSelf"];

/// Whether a deletion rule for this status, such as `jobStatus` and `FAILED`, has one of these policies, and acts within
/// `most` seconds.
pub fn has_rule(strategy: Json<'_>, (key, status): (&str, &str), policies: &[&str], most: Option<i64>) -> bool {
    items(strategy, "deletionRules").iter().any(|rule| {
        let condition = rule.get("condition").unwrap_or(Json::NULL);
        let after = condition.get("ttlSeconds").and_then(Json::as_i64).unwrap_or(0);
        text(condition, key) == Some(status)
            && text(rule, "policy").is_some_and(|policy| policies.contains(&policy))
            && most.is_none_or(|most| after <= most)
    })
}

/// Whether the cluster is deleted after every end of the job, by rules within `most` seconds. A `deletionPolicy` of KubeRay
/// 1.3 and 1.4 is one text. Since KubeRay 1.6 a job may fail while its Ray job does not (ray-project/kuberay#5184), and
/// then only a rule for `jobDeploymentStatus: Failed` acts.
pub fn always_deletes(strategy: Json<'_>, kuberay: KubeRay, most: Option<i64>) -> bool {
    let deletes = |policy: Option<&str>| policy.is_some_and(|policy| DELETE_CLUSTER.contains(&policy));
    if !has_rules(strategy) {
        let ends = ["onSuccess", "onFailure"];
        let of_end = |end| given(strategy, end).and_then(|end| text(end, "policy"));
        return deletes(strategy.as_str()) || ends.into_iter().all(|end| deletes(of_end(end)));
    }
    let has = |condition| has_rule(strategy, condition, &DELETE_CLUSTER, most);
    has(("jobStatus", "SUCCEEDED"))
        && (has(("jobDeploymentStatus", "Failed")) || (kuberay < KubeRay::V1_6 && has(("jobStatus", "FAILED"))))
}

/// Whether a strategy is of the style with rules.
pub fn has_rules(strategy: Json<'_>) -> bool {
    !items(strategy, "deletionRules").is_empty()
}
