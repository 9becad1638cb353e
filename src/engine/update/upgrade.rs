//! Changes of a RayService after which KubeRay starts a second cluster.

use crate::diag::CodePage;
use crate::engine::compare::same_but;
use crate::engine::judge::{Finder, Judged};
use crate::json::Json;
use crate::k8s::json::{below, child, items, text};
use crate::policy::Platform;
use crate::policy::settings::Action;
use crate::ray::facts::Facts;
use crate::ray::kind::{HEAD, RAY_SERVICE, WORKERS};
use crate::ray::{Kind, Workload};
use crate::rules::Finding;

/// A warning about an update after which KubeRay starts a second cluster.
pub const UPGRADES: CodePage = CodePage {
    code: "RG002",
    title: "A RayService update that starts a second cluster needs room for it",
    text: include_str!("upgrade.md"),
};

/// The warning about an update, if KubeRay starts a second cluster for it.
pub fn upgrade(platform: &Platform, old: Json<'_>, new: Json<'_>) -> Option<Judged> {
    let kind = Kind::of(new);
    let never = text(below(new, &["spec", "upgradeStrategy"]), "type") == Some("None");
    let runs = kind.runs(old) && !kind.is_suspended(new);
    if !kind.is(&RAY_SERVICE) || never || !runs || !differs(kind.cluster(old), kind.cluster(new)) {
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
    let message = format!("this change starts a second cluster of {size} until the switch");
    Some(Judged {
        finder: Finder::Server(&UPGRADES),
        finding: Finding::new(kind.cluster_path(), message),
        action: Action::Warn,
        origin: None,
        exemption: None,
    })
}

/// Whether KubeRay replaces the cluster of a RayService (KubeRay 1.7, `rayservice_controller.go`,
/// `shouldPrepareNewCluster`; `utils/util.go`, `GenerateHashWithoutReplicasAndWorkersToDelete`). Worker groups at the end of
/// the list are added to the running cluster.
fn differs(was: Json<'_>, is: Json<'_>) -> bool {
    let (groups_were, groups_are) = (items(was, WORKERS), items(is, WORKERS));
    let is_same = same_but(was, is, &["suspend", "upgradeStrategy", HEAD, WORKERS])
        && same_group(child(was, HEAD), child(is, HEAD))
        && groups_were.len() <= groups_are.len()
        && groups_were.iter().zip(groups_are).all(|(was, is)| same_group(was, is));
    !is_same
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
