//! Changes after which KubeRay starts a second cluster for a RayService, or all pods of a RayCluster again.

use serde_json::Value;

use crate::diag::CodePage;
use crate::engine::compare::says_the_same;
use crate::engine::judge::{Finder, Judged};
use crate::k8s::json::{below, text};
use crate::policy::Platform;
use crate::policy::settings::Action;
use crate::ray::facts::Facts;
use crate::ray::kind::{HEAD, RAY_CLUSTER, RAY_SERVICE, WORKERS};
use crate::ray::{Kind, KubeRay, Workload};
use crate::rules::Finding;

/// A warning about an update after which KubeRay replaces the pods that run.
pub const UPGRADES: CodePage = CodePage {
    code: "RG002",
    title: "Updates that replace running pods need room or a pause",
    text: include_str!("upgrade.md"),
};

/// The warning about an update, if KubeRay starts a second cluster for it or all pods of the cluster again.
pub fn upgrade(platform: &Platform, old: &Value, new: &Value) -> Option<Judged> {
    let kind = Kind::of(new);
    let strategy = text(below(new, &["spec", "upgradeStrategy"]), "type");
    let is_second = match strategy {
        Some("None") => false,
        // Without its gate, KubeRay takes this type for one that never upgrades (`isZeroDowntimeUpgradeEnabled`).
        Some("NewClusterWithIncrementalUpgrade") => platform.gate("RayServiceIncrementalUpgrade"),
        _ => true,
    };
    let is_again = strategy == Some("Recreate") && platform.kuberay >= KubeRay::V1_6;
    let runs = kind.runs(old) && !kind.is_suspended(new);
    let (was, is) = (kind.cluster(old), kind.cluster(new));
    let replaces = if kind.is(&RAY_SERVICE) {
        is_second && differs(was, is)
    } else {
        kind.is(&RAY_CLUSTER) && is_again && !says_the_same(&hashed(was, usize::MAX), &hashed(is, usize::MAX))
    };
    if !runs || !replaces {
        return None;
    }
    let facts = Facts::of(&Workload::of(new), &platform.devices());
    let pods = facts.pods;
    let mut size = format!("{pods} {}", if pods == 1 { "pod" } else { "pods" });
    if facts.gpus > 0 {
        size.push_str(&format!(
            " and {} {}",
            facts.gpus,
            if facts.gpus == 1 { "GPU" } else { "GPUs" }
        ));
    }
    let message = if kind.is(&RAY_SERVICE) {
        format!("this change starts a second cluster of {size} until the switch")
    } else {
        format!("this change deletes all pods of the cluster, and KubeRay starts {size} again")
    };
    Some(Judged {
        finder: Finder::Server(&UPGRADES),
        finding: Finding::new(kind.cluster_path(), message),
        action: Action::Warn,
        origin: None,
        exemption: None,
    })
}

/// Whether KubeRay replaces the cluster of a RayService (KubeRay 1.7, `rayservice_controller.go`,
/// `shouldPrepareNewCluster`; `utils/util.go`, `GenerateHashWithoutReplicasAndWorkersToDelete`).
fn differs(was: &Value, is: &Value) -> bool {
    let groups = |cluster: &Value| cluster.get(WORKERS).and_then(Value::as_array).map_or(0, Vec::len);
    let (before, after) = (groups(was), groups(is));
    !says_the_same(&hashed(was, before), &hashed(is, before.min(after)))
}

/// The part of a RayClusterSpec that KubeRay compares, with so many of its worker groups.
fn hashed(cluster: &Value, most: usize) -> Value {
    let mut cluster = cluster.clone();
    let remove = |value: &mut Value, keys: &[&str]| {
        if let Some(map) = value.as_object_mut() {
            keys.iter().for_each(|key| drop(map.remove(*key)));
        }
    };
    remove(&mut cluster, &["suspend", "upgradeStrategy"]);
    const SCHEDULED: &[&str] = &["tolerations", "schedulingGates"];
    if let Some(spec) = cluster.pointer_mut(&format!("/{HEAD}/template/spec")) {
        remove(spec, SCHEDULED);
    }
    let groups = cluster.get_mut(WORKERS).and_then(Value::as_array_mut);
    if let Some(groups) = groups {
        groups.truncate(most);
        for group in groups {
            remove(group, &["replicas", "minReplicas", "maxReplicas"]);
            if let Some(strategy) = group.get_mut("scaleStrategy") {
                remove(strategy, &["workersToDelete"]);
            }
            if let Some(spec) = group.pointer_mut("/template/spec") {
                remove(spec, SCHEDULED);
            }
        }
    }
    cluster
}
