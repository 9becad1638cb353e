//! Who asks, where, for what, and what was there before.

use serde_json::Value;

use crate::command::{Folder, SEED, check};

/// Denies by user, namespace and operation, so that a verdict shows what was asked.
const POLICIES: &str = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: by-request}
spec:
  match: {}
  rules:
  - name: no-eve
    require: request.user != 'eve'
    message: eve asks
  - name: no-prod
    require: request.namespace != 'prod'
    message: in prod
  - name: no-growth
    when: request.operation == 'UPDATE'
    require: object.spec.entrypoint == oldObject.spec.entrypoint
    message: another entrypoint
  - name: unmanaged
    require: has(object.metadata.managedFields) == false
    message: managed fields
";

const JOB: &str = "
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: train, namespace: ml}
spec:
  entrypoint: python new.py
  suspend: true
  rayClusterSpec:
    headGroupSpec:
      template:
        spec: {containers: [{name: ray-head, image: ray, resources: {limits: {cpu: 2, memory: 8Gi}}}]}
";

fn denied_by(arguments: &[&str]) -> Vec<String> {
    denied(JOB, arguments)
}

fn denied(job: &str, arguments: &[&str]) -> Vec<String> {
    let folder = Folder::new(&[("policy/p.yaml", POLICIES)]);
    let policies = folder.file("policy");
    let all = [
        &["--policies", &policies, "--only", "rule/", "--output", "concise", "-"],
        arguments,
    ]
    .concat();
    let (code, output) = check(&all, job);
    assert_eq!(code, i32::from(!output.is_empty()), "{output}");
    // What others deny is hidden.
    let shown = output.lines().filter(|line| !line.ends_with("hidden by --only"));
    shown
        .map(|line| line.split(['[', ']']).nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn user_namespace_and_operation_can_be_set() {
    assert_eq!(denied_by(&[]), Vec::<String>::new());
    assert_eq!(denied_by(&["--as-user", "eve"]), ["rule/no-eve"]);
    assert_eq!(denied_by(&["--namespace", "prod"]), ["rule/no-prod"]);
    assert_eq!(denied_by(&["--operation", "create"]), Vec::<String>::new());
}

#[test]
fn an_update_is_judged_with_the_object_as_it_was() {
    let same = Folder::new(&[("old.yaml", JOB)]);
    let other = Folder::new(&[("old.yaml", &JOB.replace("new.py", "old.py"))]);
    assert_eq!(denied_by(&["--old", &same.file("old.yaml")]), Vec::<String>::new());
    assert_eq!(denied_by(&["--old", &other.file("old.yaml")]), ["rule/no-growth"]);
    assert_eq!(
        denied_by(&["--old", &other.file("old.yaml"), "--operation", "create"]),
        Vec::<String>::new()
    );
}

#[test]
fn a_time_is_a_date_or_a_moment() {
    for time in ["2026-11-26", "2026-11-26T14:00:00Z", "2026-11-26T14:00:00.5+01:00"] {
        assert_eq!(denied_by(&["--at", time]), Vec::<String>::new());
    }
    for time in ["26.11.2026", "2026-13-01", "2026-11-26T14:00:00", "now"] {
        let ran = crate::command::run(&["check", "--at", time, "-"], JOB);
        assert_eq!(ran.code, 2);
        assert!(
            ran.err.contains("write a date such as 2026-11-26, or a time such as"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn an_update_without_the_object_as_it_was_is_refused() {
    let stranger = Folder::new(&[("old.yaml", &JOB.replace("name: train", "name: other"))]);
    for arguments in [&["--operation", "update"][..], &["--old", &stranger.file("old.yaml")]] {
        let ran = crate::command::run(&[&["check", "-"], arguments].concat(), JOB);
        assert_eq!(ran.code, 2);
        assert_eq!(
            ran.err,
            "error: an update of ml/train needs the RayJob of that name as it is: --old FILE\n"
        );
    }
}

/// A policy that is for a RayJob only when it is completed forces what `/mutate` has not put in: no try lets it pass.
#[test]
fn what_would_never_be_let_through_says_why() {
    let policies = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec: {match: {}, defaults: {head: {minimum: {cpu: '1', memory: 4Gi}}}, actions: {RG206: Fix}}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: large}
spec: {match: {when: job.memory >= quantity('4Gi')}, force: {pods: {priorityClassName: large}}}
";
    let folder = Folder::new(&[("p.yaml", policies)]);
    let job = JOB.replace("  suspend: true\n", "").replace(
        "{limits: {cpu: 2, memory: 8Gi}}",
        "{requests: {memory: 500Mi}, limits: {memory: 500Mi}}",
    );
    let (code, output) = check(&["--policies", folder.path(), "-"], &job);
    assert_eq!(code, 1, "{output}");
    assert!(output.starts_with("retry "), "{output}");
    assert!(
        output.contains("/validate still misses what policies force") && output.contains("RL106"),
        "{output}"
    );
    let (_, lints) = check(&["--policies", folder.path()], "");
    assert!(lints.contains("ok: 2 policies"), "{lints}");
}

#[test]
fn managed_fields_are_left_out_as_the_server_leaves_them_out() {
    let managed = JOB.replace("namespace: ml}", "namespace: ml, managedFields: [{manager: kubectl}]}");
    assert_ne!(managed, JOB);
    assert_eq!(denied(&managed, &[]), Vec::<String>::new());
}

/// The server denies it too, with the same code (`tests/hostile/memory.rs`).
#[test]
fn an_object_with_more_values_than_the_server_reads_is_denied() {
    let with = |values: usize| {
        let seed = std::fs::read_to_string(SEED).unwrap();
        let mut rayjob: Value = serde_json::from_str(&seed).unwrap();
        rayjob["spec"]["more"] = vec![1; values].into();
        rayjob.to_string()
    };
    for output in ["full", "concise", "json", "jsonl", "junit", "sarif", "github"] {
        let (code, output) = check(&["--output", output, "-"], &with(20_000));
        assert_eq!(code, 1, "{output}");
        assert!(output.contains("RG001"), "{output}");
    }
    let (code, output) = check(&["--only", "RG001", "-"], &with(20_000));
    assert_eq!(code, 1);
    assert!(output.contains("denied always   raygate explain RG001"), "{output}");
    assert!(output.contains("1 RayJob: 1 denied"), "{output}");
    for arguments in [&["--no-mutate", "-"][..], &["-"]] {
        let (_, output) = check(arguments, &with(19_000));
        assert!(!output.contains("RG001"), "{output}");
        let (code, output) = check(arguments, &with(20_000));
        assert_eq!(code, 1);
        assert!(
            output.contains("RayJob has more than 20,000 JSON values, which exceeds raygate's limit."),
            "{output}"
        );
    }
}
