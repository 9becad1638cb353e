//! Changes after which KubeRay starts a second cluster for a RayService, or all pods of a RayCluster again.

use crate::diag::{CodePage, counted};
use crate::engine::compare::{same_but, says_the_same};
use crate::engine::judge::{Finder, Judged};
use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
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

/// The strategy that moves the traffic in steps. Its second cluster begins with `minReplicas` and grows
/// (`constructRayClusterForRayService`).
const INCREMENTAL: &str = "NewClusterWithIncrementalUpgrade";

/// How long KubeRay keeps the first cluster after the switch, if the RayService does not say so
/// (`RayClusterDeletionDelayDuration`).
const DELETION_DELAY: i64 = 60;

/// When KubeRay deletes the first cluster of a RayService (KubeRay 1.7, `cleanUpRayClusterInstance`).
fn deleted(service: Json<'_>) -> String {
    let delay = below(service, &["spec", "rayClusterDeletionDelaySeconds"]).as_i64();
    match delay.unwrap_or(DELETION_DELAY) {
        ..=0 => "deleted after the switch".to_owned(),
        seconds => format!("deleted {} after the switch", counted(seconds, "second")),
    }
}

/// The warning about an update, if KubeRay starts a second cluster for it or all pods of the cluster again.
pub fn upgrade(platform: &Platform, old: Json<'_>, new: Json<'_>) -> Option<Judged> {
    let kind = Kind::of(new);
    let strategy = text(below(new, &["spec", "upgradeStrategy"]), "type");
    let is_second = match strategy {
        Some("None") => false,
        // Without its gate, KubeRay takes this type for one that never upgrades (`isZeroDowntimeUpgradeEnabled`).
        Some(INCREMENTAL) => platform.gate("RayServiceIncrementalUpgrade"),
        _ => true,
    };
    let is_again = strategy == Some("Recreate") && platform.kuberay >= KubeRay::V1_6;
    let runs = kind.runs(old) && !kind.is_suspended(new);
    let (was, is) = (kind.cluster(old), kind.cluster(new));
    let replaces = if kind.is(&RAY_SERVICE) {
        is_second && !is_same(was, is, true)
    } else {
        kind.is(&RAY_CLUSTER) && is_again && !is_same(was, is, false)
    };
    if !runs || !replaces {
        return None;
    }
    let facts = Facts::of(&Workload::of(new), &platform.devices());
    let size = |pods: i64, gpus: i64| match gpus {
        0 => counted(pods, "pod"),
        gpus => format!("{} and {}", counted(pods, "pod"), counted(gpus, "GPU")),
    };
    let message = if !kind.is(&RAY_SERVICE) {
        let size = size(facts.pods, facts.gpus);
        format!("this change deletes all pods of the cluster, and KubeRay starts {size} again")
    } else if is_left_by_kueue(old, new) {
        let facts = Facts::of(&Workload::of(old), &platform.devices());
        let size = size(facts.pods, facts.gpus);
        format!(
            "Kueue suspends the service after this change and never starts it again; its first cluster of {size} \
             keeps running without quota. Set spec.active of its Workload to false before the change"
        )
    } else if strategy == Some(INCREMENTAL) {
        let size = size(facts.max_pods, facts.max_gpus);
        format!(
            "this change starts a second cluster, which grows to at most {size}; the first one is {}",
            deleted(new)
        )
    } else {
        let size = size(facts.pods, facts.gpus);
        format!(
            "this change starts a second cluster of {size}; the first one is {}",
            deleted(new)
        )
    };
    Some(Judged {
        finder: Finder::Server(&UPGRADES),
        finding: Finding::new(kind.cluster_path(), message),
        action: Action::Warn,
        origin: None,
        exemption: None,
    })
}

/// Whether Kueue stops a RayService that runs after an update that starts a second cluster. It does so if containers are
/// others than those of the Workload (Kueue 0.19, `util/equality/podset.go`). KubeRay then suspends the second cluster and
/// keeps the first one, because no other is ready, and Kueue waits for the service to end
/// (`tests/cluster/kueue.rs`, `an_edit_is_completed_and_starts_once`).
fn is_left_by_kueue(old: Json<'_>, new: Json<'_>) -> bool {
    let job = Workload::of(new);
    let same_pod = |was: Json<'_>, is: Json<'_>| {
        let spec = |group| below(group, &["template", "spec"]);
        ["containers", "initContainers"]
            .iter()
            .all(|list| says_the_same(child(spec(was), list), child(spec(is), list)))
    };
    let kind = Kind::of(new);
    let (was, is) = (kind.cluster(old), kind.cluster(new));
    let mut groups = items(was, WORKERS).iter().zip(items(is, WORKERS));
    job.queue().is_some()
        && !job.is_elastic()
        && !(same_pod(child(was, HEAD), child(is, HEAD)) && groups.all(|(was, is)| same_pod(was, is)))
}

/// Whether two clusters are the same in what KubeRay compares (KubeRay 1.7, `rayservice_controller.go`,
/// `shouldPrepareNewCluster`; `utils/util.go`, `GenerateHashWithoutReplicasAndWorkersToDelete`). To a RayService's cluster,
/// it adds worker groups at the end of the list.
fn is_same(was: Json<'_>, is: Json<'_>, may_grow: bool) -> bool {
    let (groups_were, groups_are) = (items(was, WORKERS), items(is, WORKERS));
    let (before, after) = (groups_were.len(), groups_are.len());
    same_but(was, is, &["suspend", "upgradeStrategy", HEAD, WORKERS])
        && same_group(child(was, HEAD), child(is, HEAD))
        && (before == after || may_grow && before < after)
        && groups_were.iter().zip(groups_are).all(|(was, is)| same_group(was, is))
}

/// Whether two head groups or worker groups are the same in what KubeRay compares.
fn same_group(was: Json<'_>, is: Json<'_>) -> bool {
    let same_below = |keys: &[&str], but: &[&str]| same_but(below(was, keys), below(is, keys), but);
    same_below(
        &[],
        &["replicas", "minReplicas", "maxReplicas", "scaleStrategy", "template"],
    ) && same_below(&["scaleStrategy"], &["workersToDelete"])
        && same_below(&["template"], &["spec"])
        && same_below(&["template", "spec"], &["tolerations", "schedulingGates"])
}
