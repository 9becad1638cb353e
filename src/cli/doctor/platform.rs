//! What raygate stands on: the API server and KubeRay.

use kube::Client;
use serde_json::Value;

use crate::cluster::objects;

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

/// Whether the cluster has RayJobs of the version that raygate judges.
pub(super) async fn judge_kuberay(client: &Client, findings: &mut Findings) -> bool {
    let group = match objects::get(client, "/apis/ray.io/v1").await {
        Ok(group) => group.unwrap_or_default(),
        Err(error) => {
            findings.unreadable("kuberay", "the API group ray.io", &error);
            return false;
        }
    };
    let resources = group.get("resources").and_then(Value::as_array).into_iter().flatten();
    let served = resources
        .filter_map(|resource| resource.get("name"))
        .any(|name| name == "rayjobs");
    if served {
        findings.ok("kuberay", "rayjobs.ray.io is served as v1");
    } else {
        findings.error(
            "kuberay",
            "rayjobs.ray.io is not served as v1: KubeRay 1.0 or later is not installed",
            "kubectl get crd rayjobs.ray.io -o jsonpath='{.spec.versions[*].name}'  # then install KubeRay",
        );
    }
    served
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
}
