//! `--diff`: before and after, and where each changed line comes from.

use std::collections::BTreeSet;

use crate::command::{Folder, SEED, check};

const JOB: &str = "
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: train, namespace: ml}
spec:
  entrypoint: python train.py
  rayClusterSpec:
    headGroupSpec:
      template:
        spec:
          containers:
          - name: ray-head
            image: ray
            resources: {requests: {cpu: 4, memory: 8Gi}, limits: {cpu: 2, memory: 8Gi}}
";

const POLICY: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  defaults:
    lifecycle:
      ttlSecondsAfterFinished: 600
      shutdownAfterJobFinishes: true
";

#[test]
fn every_changed_line_names_what_changed_it() {
    let folder = Folder::new(&[("p.yaml", POLICY)]);
    let file = folder.file("p.yaml");
    let (code, output) = check(&["--diff", "--policies", folder.path(), "-"], JOB);
    assert_eq!(code, 0);
    let diff: Vec<&str> = output
        .lines()
        .filter(|line| line.starts_with(['-', '+']) && !line.contains("raygate.dev/applied"))
        .collect();
    let expected = [
        "--- <stdin>  ml/train".to_owned(),
        "+++ <stdin>  ml/train".to_owned(),
        "+  annotations:                           # raygate  its record of these changes".to_owned(),
        "-                cpu: 2                   # built-in  repair RG203".to_owned(),
        "+                cpu: \"4\"                 # built-in  repair RG203".to_owned(),
        format!(
            "+  shutdownAfterJobFinishes: true         # base  defaults.lifecycle.shutdownAfterJobFinishes  {file}:9"
        ),
        format!(
            "-  ttlSecondsAfterFinished: 0             # base  defaults.lifecycle.ttlSecondsAfterFinished  {file}:8"
        ),
        format!(
            "+  ttlSecondsAfterFinished: 600           # base  defaults.lifecycle.ttlSecondsAfterFinished  {file}:8"
        ),
    ];
    assert_eq!(diff, expected);
}

/// On an update, what comes again as it was received stays as it is stored.
#[test]
fn what_is_kept_comes_from_the_stored_object() {
    let folder = Folder::new(&[("p.yaml", POLICY)]);
    let (_, output) = check(&["--output", "json", "--policies", folder.path(), "-"], JOB);
    let report: serde_json::Value = serde_json::from_str(&output).unwrap();
    let old = folder.file("old.json");
    std::fs::write(&old, report["objects"][0]["object"].to_string()).unwrap();
    let update = [
        "--diff",
        "--operation",
        "update",
        "--old",
        &old,
        "--policies",
        folder.path(),
        "-",
    ];
    let (code, output) = check(&update, JOB);
    assert_eq!(code, 0, "{output}");
    let lines = |text: &str| output.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("stored  kept as it is in the cluster"), 5, "{output}");
    assert_eq!(lines("repair"), 0, "{output}");
}

#[test]
fn a_repair_that_a_policy_asks_for_names_both() {
    let folder = Folder::new(&[("p.yaml", &format!("{POLICY}  actions: {{RG203: Fix}}\n"))]);
    let (_, output) = check(&["--diff", "--policies", folder.path(), "-"], JOB);
    let wanted = format!("# base  repair RG203  {}:10", folder.file("p.yaml"));
    assert_eq!(output.matches(&wanted).count(), 2, "{output}");
}

#[test]
fn a_container_that_moves_takes_its_changes_with_it() {
    // The Ray container is put first; the repair of its limit, made at either place, must be found at the new one.
    let sidecar = JOB.replace(
        "          containers:\n",
        "          containers:\n          - {name: sidecar, image: s}\n",
    );
    let (_, output) = check(&["--diff", "-"], &sidecar);
    let limit = output
        .lines()
        .find(|line| line.starts_with("+                cpu: \"4\""))
        .unwrap();
    assert!(limit.ends_with("# built-in  repair RG203"), "{limit}");
    let moved: Vec<&str> = output
        .lines()
        .filter(|line| line.starts_with(['-', '+']) && line.contains("name: sidecar"))
        .collect();
    assert_eq!(moved.len(), 2, "{output}");
    assert!(moved.iter().all(|line| line.ends_with("repair RG502")), "{moved:?}");
}

/// What a hunk makes of the lines before: applied, it must give what the JSON output says is the object.
#[test]
fn the_diff_of_every_rayjob_leads_to_the_object() {
    for file in std::fs::read_dir("tests/rayjobs").unwrap() {
        let file = file.unwrap().path().display().to_string();
        let json: serde_json::Value = serde_json::from_str(&check(&["--output", "jsonl", &file], "").1).unwrap();
        let after = raygate::yaml::emit(&json["object"]);
        let after: Vec<&str> = after.lines().collect();
        let (_, output) = check(&["--diff", &file], "");
        let start = output.find("\n@@ ").unwrap();
        let mut added = BTreeSet::new();
        let mut line = 0;
        for text in output[start + 1..]
            .lines()
            .take_while(|text| text.starts_with(['@', '+', '-', ' ']))
        {
            if let Some(hunk) = text.strip_prefix("@@ -") {
                let new = hunk.split('+').nth(1).unwrap();
                line = new.split([',', ' ']).next().unwrap().parse::<usize>().unwrap() - 1;
            } else if let Some(text) = text.strip_prefix('+') {
                assert!(text.contains("  # "), "{file}: no origin behind {text}");
                assert!(text.starts_with(after[line]), "{file}:{line}: {text}");
                added.insert(line);
                line += 1;
            } else if let Some(text) = text.strip_prefix(' ') {
                assert_eq!(text, after[line], "{file}:{line}");
                line += 1;
            } else {
                assert!(text.contains("  # "), "{file}: no origin behind {text}");
            }
        }
        assert!(added.len() > 10, "{file}: {}", added.len());
    }
}

#[test]
fn where_nothing_changes_there_is_no_diff() {
    let (_, output) = check(&["--diff", SEED], "");
    assert!(output.contains("\n--- "));
    let json: serde_json::Value = serde_json::from_str(&check(&["--output", "jsonl", SEED], "").1).unwrap();
    let (_, output) = check(&["--diff", "-"], &json["object"].to_string());
    assert!(!output.contains("\n--- "), "{output}");
}

#[test]
fn only_the_full_output_has_it() {
    assert_eq!(check(&["--diff", "--output", "jsonl", SEED], "").0, 2);
    assert_eq!(check(&["--diff", "--no-mutate", SEED], "").0, 2);
}

/// The line names the leaf as the policy has it, and what the Platform says is its own.
#[test]
fn a_leaf_of_all_pods_and_a_kind_of_the_platform_are_named_as_they_are_written() {
    let policies = "\
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  accelerators:
    l4: {resource: nvidia.com/gpu, nodeSelector: {gpu: l4}}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  defaults:
    pods: {priorityClassName: training}
    head: {labels: {part: head}}
";
    let folder = Folder::new(&[("p.yaml", policies)]);
    let file = folder.file("p.yaml");
    let (_, output) = check(&["--diff", "--policies", folder.path(), SEED], "");
    for (leaf, count) in [
        (format!("base  defaults.pods.priorityClassName  {file}:13"), 3),
        (format!("base  defaults.head.labels.part  {file}:14"), 1),
        (format!("Platform  accelerators.l4  {file}:5"), 2),
    ] {
        assert_eq!(output.matches(&leaf).count(), count, "{leaf}: {output}");
    }
}
