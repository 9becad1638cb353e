//! What raygate says of an object, next to what KubeRay says of it.

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Judged, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::policy::settings::Action;
use raygate::ray::KubeRay;
use raygate::ray::version::{GATES, gate_default};
use serde_json::Value;

/// KubeRay's kinds.
pub const KINDS: [&str; 4] = ["RayCluster", "RayCronJob", "RayJob", "RayService"];

/// A bundle without policies for a release of KubeRay with its default gates.
pub fn bundle(kuberay: KubeRay) -> Bundle {
    let mut set = PolicySet::default();
    set.platform.kuberay = kuberay;
    set.platform.names_kuberay = true;
    for gate in GATES {
        let on = gate_default(gate.name, kuberay);
        set.platform.feature_gates.insert(gate.name.to_owned(), on);
    }
    Bundle::new(set)
}

/// The rules of KubeRay's validators that an object breaks.
pub fn denied(bundle: &Bundle, object: &Value) -> Vec<String> {
    let request = Request {
        operation: Operation::Create,
        namespace: "team-a".to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    let outcome = answer_as_is(bundle, request);
    let kuberay = bundle.platform().kuberay;
    let is_theirs = |judged: &&Judged| match judged.code() {
        // KubeRay's validators accept the object, and reject the RayCluster or the RayJobs that KubeRay makes from it.
        "RG181" => false,
        "RG102" if object["kind"] == "RayCronJob" => false,
        "RG101" if object["kind"] == "RayCronJob" && kuberay < KubeRay::V1_7 => false,
        // KubeRay's validators run only if the feature gate is on.
        "RG196" => false,
        // It warns, because nobody can correct a status.
        "RG182" => true,
        code => code.starts_with("RG1") && judged.action == Action::Deny,
    };
    let findings = outcome.findings.iter();
    findings
        .filter(is_theirs)
        .map(|judged| format!("{} {}", judged.code(), judged.finding.message))
        .collect()
}
