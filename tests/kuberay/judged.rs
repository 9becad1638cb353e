//! What raygate says of an object, next to what KubeRay says of it.

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::policy::settings::Action;
use raygate::ray::KubeRay;
use serde_json::Value;

/// KubeRay's kinds.
pub const KINDS: [&str; 4] = ["RayCluster", "RayCronJob", "RayJob", "RayService"];

/// A bundle without policies for a release of KubeRay with its default gates.
pub fn bundle(kuberay: KubeRay) -> Bundle {
    let mut set = PolicySet::default();
    set.platform.kuberay = kuberay;
    Bundle::new(set)
}

/// The rules of KubeRay's that an object breaks; `None` for a kind that raygate does not judge yet.
pub fn denied(bundle: &Bundle, object: &Value) -> Option<Vec<String>> {
    match object["kind"].as_str() {
        Some("RayJob") => Some(denied_job(bundle, object)),
        _ => None,
    }
}

fn denied_job(bundle: &Bundle, object: &Value) -> Vec<String> {
    let request = Request {
        operation: Operation::Create,
        namespace: "team-a".to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let outcome = answer_as_is(bundle, request);
    let denied = outcome.findings.iter().filter(|judged| judged.action == Action::Deny);
    // RG181 rejects an `upgradeStrategy`: the RayJob passes KubeRay's validators, and those of the RayCluster then reject it.
    denied
        .filter(|judged| judged.code().starts_with("RG1") && judged.code() != "RG181")
        .map(|judged| format!("{} {}", judged.code(), judged.finding.message))
        .collect()
}
