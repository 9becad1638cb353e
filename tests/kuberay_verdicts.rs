//! The verdicts of KubeRay 1.7.0's own validators on generated RayJobs: raygate rejects by a rule of KubeRay's (RG1xx) exactly
//! what KubeRay rejects. The verdicts are read from `../shared/verdicts`; without them the test says so and passes.
//!
//! Two differences are known. RG181 rejects an `upgradeStrategy`: the RayJob passes KubeRay's validators, and those of the
//! RayCluster then reject it. A `!!binary` value in `runtimeEnvYAML` that is no base64 passes raygate.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::path::Path;
use std::process::Command;

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::policy::settings::Action;
use raygate::ray::KubeRay;
use serde_json::Value;

/// The codes of KubeRay's rules that deny an object under 1.7 with its default gates.
fn denied(bundle: &Bundle, object: &Value) -> Vec<String> {
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
    denied
        .filter(|judged| judged.code().starts_with("RG1") && judged.code() != "RG181")
        .map(|judged| format!("{} {}", judged.code(), judged.finding.message))
        .collect()
}

#[test]
fn rayjobs_are_judged_as_kuberay_1_7_judges_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/verdicts/kuberay-1.7.0.jsonl.gz");
    if !file.exists() {
        eprintln!(
            "SKIPPED: the verdicts of KubeRay 1.7.0 are not here: {}",
            file.display()
        );
        return;
    }
    let Ok(output) = Command::new("gzip").arg("-dc").arg(&file).output() else {
        eprintln!("SKIPPED: gzip is not here to read {}", file.display());
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut set = PolicySet::default();
    set.platform.kuberay = KubeRay::V1_7;
    let bundle = Bundle::new(set);
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let object = &verdict["object"];
        if object["kind"] != "RayJob" {
            continue;
        }
        judged += 1;
        let ours = denied(&bundle, object);
        let theirs = verdict["error"].as_str();
        let is_missed = theirs.is_some_and(|error| error.contains("!!binary"));
        if ours.is_empty() == theirs.is_some() && !is_missed {
            wrong.push(format!("KubeRay: {theirs:?}\nraygate: {ours:?}\n{object}"));
        }
    }
    assert!(judged > 1_000, "{judged} RayJobs among the verdicts");
    println!("{judged} RayJobs");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
