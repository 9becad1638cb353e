//! Objects of every kind: manifests, events, reviews, and what the commands print of them.

use raygate::json::Tree;
use raygate::ray::kind::KINDS;
use serde_json::{Value, json};

use crate::command::{Folder, SEED, check, run};

/// The GPU training as an object of each kind, all of one name.
fn objects() -> Vec<Value> {
    let text = std::fs::read_to_string(SEED).unwrap();
    let job = Tree::read(&text).unwrap();
    KINDS.map(|kind| kind.from_job(job.root())).to_vec()
}

fn lines(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("{object}\n")).collect()
}

#[test]
fn every_kind_is_judged_and_named() {
    let (_, output) = check(&["-"], &lines(&objects()));
    for kind in KINDS {
        let line = format!("{} mlplatform-production/a8h2k4xq9vbn5mzr7tjd-n0-0", kind.name);
        assert!(output.contains(&line), "{line}\n{output}");
    }
    assert!(output.contains("\n4 Ray objects: "), "{output}");
    let (_, output) = check(&["--output", "jsonl", "-"], &lines(&objects()));
    for (kind, line) in KINDS.iter().zip(output.lines()) {
        let judged: Value = serde_json::from_str(line).unwrap();
        assert_eq!(judged["kind"], kind.name);
        assert_eq!(judged["object"]["kind"], kind.name);
        let repaired = judged["changes"].to_string();
        let at = kind.group_path(0).to_string();
        assert!(
            repaired.contains("RG203") && repaired.contains(&at),
            "{}: {repaired}",
            kind.name
        );
    }
    let explained = run(&["explain", "-"], &lines(&objects()));
    for kind in KINDS {
        assert!(explained.out.contains(&format!("{} mlplatform-production/", kind.name)));
    }
}

#[test]
fn the_old_object_is_found_by_kind_and_name() {
    let old = Folder::new(&[("old.json", &lines(&objects()))]);
    let file = old.file("old.json");
    for object in objects() {
        let (_, output) = check(&["--old", &file, "--output", "jsonl", "-"], &format!("{object}\n"));
        let judged: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(judged["operation"], "UPDATE");
        // The same object changes nothing.
        assert_eq!(
            (&judged["allowed"], &judged["changes"]),
            (&json!(true), &json!([])),
            "{output}"
        );
    }
    let alone = Folder::new(&[("old.json", &lines(&objects()[..1]))]);
    let ran = run(
        &["check", "--old", &alone.file("old.json"), "-"],
        &lines(&objects()[1..2]),
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("needs the RayCluster of that name as it is"),
        "{}",
        ran.err
    );
}

#[test]
fn events_of_every_resource_are_read() {
    let events = KINDS.iter().zip(objects()).map(|(kind, object)| {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request", "auditID": kind.name,
            "stage": "ResponseComplete", "verb": "create", "user": {"username": "tenant"},
            "objectRef": {"resource": kind.resource, "apiGroup": "ray.io", "apiVersion": "v1"}, "requestObject": object,
        })
    });
    let mut log = lines(&events.collect::<Vec<_>>());
    log.push_str(
        "{\"kind\": \"Event\", \"apiVersion\": \"audit.k8s.io/v1\", \"objectRef\": {\"resource\": \"pods\"}}\n",
    );
    let (_, output) = check(&["-"], &log);
    assert!(output.contains("\n4 Ray objects: "), "{output}");
    assert!(output.contains("1 × an event of another resource"), "{output}");
}

#[test]
fn two_sets_of_policies_are_compared_for_every_kind() {
    let policy = |most: u32| {
        format!(
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: p}}\n\
             spec: {{match: {{kinds: [RayCluster]}}, limits: {{maxPodsPerJob: {most}}}}}\n"
        )
    };
    let sets = Folder::new(&[("before/p.yaml", &policy(100)), ("after/p.yaml", &policy(1))]);
    let (before, after) = (sets.file("before"), sets.file("after"));
    let (_, output) = check(&["--against", &before, "--policies", &after, "-"], &lines(&objects()));
    assert!(output.contains("  RayCluster mlplatform-production/"), "{output}");
    assert!(output.contains("RG507"), "{output}");
    assert!(!output.contains("  RayJob "), "{output}");
}

#[test]
fn a_sample_of_each_kind_can_be_posted() {
    for kind in KINDS {
        let review: Value = serde_json::from_str(&run(&["sample", "--kind", kind.name], "").out).unwrap();
        let request = &review["request"];
        assert_eq!(request["kind"]["kind"], kind.name);
        assert_eq!(request["resource"]["resource"], kind.resource);
        assert_eq!(request["object"]["kind"], kind.name);
        let (_, output) = check(&["--output", "jsonl", "-"], &review.to_string());
        let judged: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(judged["kind"], kind.name);
    }
    let ran = run(&["sample", "--kind", "raycluster"], "");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean RayCluster?"), "{}", ran.err);
}

/// A finding about a text points to its line, however the manifest writes the text.
#[test]
fn a_problem_of_a_serve_config_is_shown_at_its_line() {
    let service = |config: &str| {
        format!(
            "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {{name: a, namespace: b}}\nspec:\n  serveConfigV2: {config}\n"
        )
    };
    for (config, line, column) in [
        ("|\n    applications:\n    - name: é\n      importPath: a:b\n", 8, 7),
        ("\"applications:\\n- name: é\\n  importPath: a:b\\n\"", 5, 47),
    ] {
        let (_, output) = check(&["--output", "concise", "-"], &service(config));
        let place = format!(":{line}:{column}: warning[RG718]");
        assert!(output.contains(&place), "{place}\n{output}");
    }
}
