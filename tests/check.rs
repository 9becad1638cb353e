//! `raygate check` as its user calls it: the shipped binary, its output and its exit codes.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

#[path = "check/against.rs"]
mod against;
#[path = "check/command.rs"]
mod command;
#[path = "check/diff.rs"]
mod diff;
#[path = "check/formats.rs"]
mod formats;
#[path = "check/habits.rs"]
mod habits;
#[path = "check/input.rs"]
mod input;
#[path = "check/kinds.rs"]
mod kinds;
#[path = "check/pages.rs"]
mod pages;
#[path = "check/request.rs"]
mod request;

use serde_json::{Value, json};

use command::{Folder, SEED, check};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const RULES: &str = "
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: train-7, namespace: ml}
spec:
  entrypoint: python train.py
  deletionStrategy: {deletionRules: [{policy: DeleteCluster, condition: {jobStatus: SUCCEEDED, ttlSeconds: 60}}]}
  rayClusterSpec:
    headGroupSpec:
      template: {spec: {containers: [{name: ray-head, image: ray, resources: {requests: {cpu: 2, memory: 8Gi}}}]}}
";

#[test]
fn a_line_for_each_object_in_order_and_the_rest_goes_on() {
    let rayjob: Value = serde_json::from_str(include_str!("rayjobs/seed-01-gpu-training.json")).unwrap();
    let input = format!("{rayjob}\n{{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}}\n{{broken\n{rayjob}\n");
    let (code, output) = check(&["--output", "jsonl", "-"], &input);
    let lines = lines(&output);
    assert_eq!(code, 1, "{output}");
    assert_eq!(lines.len(), 4);
    for key in [
        "kind",
        "name",
        "namespace",
        "allowed",
        "findings",
        "warnings",
        "patch",
        "object",
    ] {
        assert!(lines[0].get(key).is_some(), "{key}");
    }
    assert_eq!(lines[0]["allowed"], true);
    assert!(lines[1]["skipped"].as_str().unwrap().contains("Pod"));
    assert!(lines[2]["error"].as_str().unwrap().contains(":3:"), "{}", lines[2]);
    for key in ["name", "allowed", "patch", "object"] {
        assert_eq!(lines[3][key], lines[0][key], "{key}");
    }
    assert_eq!((&lines[0]["line"], &lines[3]["line"]), (&1.into(), &4.into()));
    let mut completed = raygate::json::Tree::of(&rayjob).unwrap();
    raygate::ray::defaults::apply(&mut completed);
    let mut patched = completed.root().to_value();
    json_patch::patch(
        &mut patched,
        &serde_json::from_value::<json_patch::Patch>(lines[0]["patch"].clone()).unwrap(),
    )
    .unwrap();
    assert_eq!(patched, lines[0]["object"]);
}

#[test]
fn exit_codes_say_what_happened() {
    assert_eq!(check(&[SEED], "").0, 0);
    assert_eq!(check(&[SEED, "--no-mutate"], "").0, 1);
    assert_eq!(check(&["no/such/file.yaml"], "").0, 2);
    assert_eq!(check(&["--output", "xml", SEED], "").0, 2);
    let broken = Folder::new(&[("a.yaml", "kind: RayPolicy\n")]);
    assert_eq!(check(&["--policies", broken.path(), SEED], "").0, 3);
}

#[test]
fn only_keeps_to_the_codes_with_a_prefix() {
    let (code, output) = check(&["--no-mutate", "--only", "RG203", "--output", "jsonl", SEED], "");
    let findings = lines(&output)[0]["findings"].as_array().unwrap().clone();
    assert_eq!((code, findings.len()), (1, 2));
    assert!(findings.iter().all(|finding| finding["code"] == "RG203"));
    // The findings that it hides decide all the same.
    let hidden = |format: &str| {
        let ran = command::run(&["check", "--no-mutate", "--only", "RG1", "--output", format, SEED], "");
        assert_eq!(ran.code, 1, "{format}");
        ran.out
    };
    for format in ["full", "concise", "junit", "github"] {
        let output = hidden(format);
        assert!(output.contains("denied by RG203, hidden by --only"), "{output}");
    }
    let object = lines(&hidden("jsonl"))[0].clone();
    assert_eq!(
        (&object["verdict"], &object["hidden"], &object["findings"]),
        (&json!("denied"), &json!(["RG203"]), &json!([]))
    );
    let misspelt = command::run(&["check", "--only", "RG2O3", SEED], "");
    assert_eq!(misspelt.code, 2);
    assert_eq!(
        misspelt.err,
        "error: no code begins with \"RG2O3\"; did you mean RG203?\n"
    );
}

#[test]
fn another_kuberay_and_its_gates_may_be_named() {
    let judged = |arguments: &[&str]| check(&[arguments, &["--only", "RG1", "-"]].concat(), RULES).0;
    assert_eq!(judged(&[]), 0);
    // The gate's default is off in 1.5, but nobody says that it was not turned on.
    assert_eq!(judged(&["--kuberay-version", "1.5"]), 0);
    let gate = |value: &str| format!("RayJobDeletionPolicy={value}");
    for release in [&[][..], &["--kuberay-version", "1.5"], &["--kuberay-version", "1.7"]] {
        assert_eq!(judged(&[release, &["--feature-gates", &gate("false")]].concat()), 1);
        assert_eq!(judged(&[release, &["--feature-gates", &gate("true")]].concat()), 0);
    }
    assert_eq!(judged(&["--kuberay-version", "9"]), 2);
    assert_eq!(judged(&["--feature-gates", "RayJobDeletonPolicy=true"]), 2);
}

#[test]
fn what_fails_is_chosen() {
    // By default it is denied as it is; mutated it has notes only; its second object warns.
    let code = |arguments: &[&str]| check(&[arguments, &["--output", "concise"]].concat(), "").0;
    let autoscaling = "tests/rayjobs/seed-03-autoscaling.json";
    assert_eq!(code(&["--no-mutate", "--fail-on", "never", SEED]), 0);
    assert_eq!(code(&[SEED]), 0);
    assert_eq!(code(&["--fail-on", "warn", SEED]), 0);
    assert_eq!(code(&["--fail-on", "audit", SEED]), 1);
    assert_eq!(code(&[autoscaling]), 0);
    assert_eq!(code(&["--fail-on", "warn", autoscaling]), 1);
}

/// KubeRay 1.1 has no `backoffLimit`, so its CRD fills none in.
#[test]
fn defaults_of_newer_releases_are_not_taken_for_the_authors_fields() {
    let job = include_str!("rayjobs/seed-01-gpu-training.json");
    let mut object: Value = serde_json::from_str(job).unwrap();
    object["spec"].as_object_mut().unwrap().remove("backoffLimit");
    let findings = |object: &Value| {
        let arguments = ["--kuberay-version", "1.1", "--only", "RG004", "--output", "jsonl", "-"];
        let (_, output) = check(&arguments, &object.to_string());
        let line = lines(&output).swap_remove(0);
        (
            line["findings"].to_string(),
            line["object"]["spec"]["backoffLimit"].clone(),
        )
    };
    let (found, limit) = findings(&object);
    assert!(!found.contains("backoffLimit"), "{found}");
    assert_eq!(limit, Value::Null);
    object["spec"]["backoffLimit"] = 2.into();
    assert!(findings(&object).0.contains("backoffLimit"));
}
