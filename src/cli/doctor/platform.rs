//! What raygate stands on: the API server and KubeRay.

use kube::Client;
use serde_json::Value;

use crate::cluster::objects;
use crate::install::KindList;

use super::Findings;

/// The minor version of Kubernetes 1 from which on webhooks have match conditions for good.
const OLDEST_MINOR: u32 = 30;

/// Whether the API server is of a version that raygate supports.
pub(super) fn judge_version(version: &Value, findings: &mut Findings) {
    let text = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default();
    let git = text("gitVersion");
    // Some providers write `31+`.
    let minor = text("minor").trim_end_matches(|c: char| !c.is_ascii_digit());
    match minor.parse::<u32>() {
        Ok(minor) if text("major") == "1" && minor < OLDEST_MINOR => findings.warning(
            "api-server",
            format!("it is Kubernetes {git}; the oldest that raygate supports is 1.{OLDEST_MINOR}"),
            format!("# upgrade the cluster to Kubernetes 1.{OLDEST_MINOR} or later"),
        ),
        _ => findings.ok("api-server", format!("it answers: Kubernetes {git}")),
    }
}

/// The kinds that the cluster serves in the version that raygate judges.
pub(super) async fn judge_kuberay(client: &Client, findings: &mut Findings) -> KindList {
    let group = match objects::get(client, "/apis/ray.io/v1").await {
        Ok(group) => group.unwrap_or_default(),
        Err(error) => {
            findings.unreadable("kuberay", "the API group ray.io", &error);
            return KindList::of_resources([]);
        }
    };
    let resources = group.get("resources").and_then(Value::as_array).into_iter().flatten();
    let names = resources.filter_map(|resource| resource.get("name")?.as_str());
    let served = KindList::of_resources(names);
    if served.iter().next().is_some() {
        findings.ok("kuberay", format!("the cluster serves {served} as ray.io/v1"));
    } else {
        findings.error(
            "kuberay",
            "ray.io/v1 has no kind that raygate judges: KubeRay 1.0 or later is not installed",
            "kubectl get crd rayjobs.ray.io -o jsonpath='{.spec.versions[*].name}'  # then install KubeRay",
        );
    }
    served
}

/// Reports kinds that the cluster serves and that do not come to raygate.
pub(super) fn judge_unjudged(served: &KindList, registered: &KindList, findings: &mut Findings) {
    let unjudged: Vec<&str> = served
        .iter()
        .filter(|kind| !registered.include(kind))
        .map(|kind| kind.name)
        .collect();
    if !unjudged.is_empty() {
        findings.warning(
            "kinds",
            format!(
                "raygate does not judge {}: users who can create them bypass all policies and limits. Register each of \
                 them in Preview first",
                unjudged.join(", ")
            ),
            format!(
                "raygate scan --policies DIR --kinds {}  # what your policies would deny\n\
                 # then add them to the registered kinds, in Preview: deploy/README.md, Kinds",
                unjudged.join(",")
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use serde_json::json;

    #[test]
    fn old_clusters_are_named() {
        for (minor, expected) in [
            ("29", Level::Warning),
            ("29+", Level::Warning),
            ("30", Level::Ok),
            ("31+", Level::Ok),
        ] {
            let version = json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}")});
            let mut findings = Findings::default();
            judge_version(&version, &mut findings);
            assert_eq!(findings.0.pop().unwrap().level, expected, "{minor}");
        }
    }

    #[test]
    fn kinds_that_do_not_come_are_named() {
        let found = |served: &str, registered: &str| {
            let mut findings = Findings::default();
            judge_unjudged(&served.parse().unwrap(), &registered.parse().unwrap(), &mut findings);
            let finding = findings.0.pop()?;
            Some((finding.seen, finding.repair.unwrap()))
        };
        assert_eq!(found("RayJob,RayCluster", "RayJob,RayCluster,RayService"), None);
        let (seen, repair) = found("RayJob,RayCluster,RayService", "RayJob").unwrap();
        assert!(
            seen.starts_with("raygate does not judge RayCluster, RayService: "),
            "{seen}"
        );
        assert!(repair.contains("--kinds RayCluster,RayService "), "{repair}");
    }
}
