//! `--against`: two sets of policies over what was recorded.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::command::{Folder, check, run};

const BEFORE: &str = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  defaults: {lifecycle: {ttlSecondsAfterFinished: 300, shutdownAfterJobFinishes: true}}
  actions: {RG206: Fix}
";

/// Another TTL; a limit below its request is refused and no longer repaired.
const AFTER: &str = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  defaults: {lifecycle: {ttlSecondsAfterFinished: 600, shutdownAfterJobFinishes: true}}
  actions: {RG203: Deny, RG206: Fix, RG405: Warn}
";

fn rayjobs() -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir("tests/rayjobs")
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

/// An event as kube-apiserver writes it, with changes.
fn event(id: &str, object: &Value, changes: &Value) -> Value {
    let mut event = json!({
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": id,
        "stage": "ResponseComplete",
        "requestURI": "/apis/ray.io/v1/namespaces/ml/rayjobs?fieldManager=flytepropeller",
        "verb": "create",
        "user": {
            "username": "system:serviceaccount:flyte:flytepropeller",
            "groups": ["system:serviceaccounts", "system:authenticated"],
        },
        "sourceIPs": ["10.244.0.7"],
        "userAgent": "flytepropeller/v1.15",
        "objectRef": {
            "resource": "rayjobs",
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "apiGroup": "ray.io",
            "apiVersion": "v1",
        },
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": object,
        "responseObject": object,
        "requestReceivedTimestamp": "2026-11-20T10:00:00.000000Z",
        "stageTimestamp": "2026-11-20T10:00:00.012345Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    });
    raygate::suite::merge(&mut event, changes.clone());
    event
}

/// The ten RayJobs of Flyte as an audit log has them, among what else such a log has.
fn log() -> String {
    let mut log = String::new();
    for (number, mut object) in rayjobs().into_iter().enumerate() {
        let id = format!("id-{number}");
        object["metadata"]["name"] = id.as_str().into();
        for changes in [
            json!({"stage": "RequestReceived", "requestObject": null}),
            json!({}),
            json!({}),
            json!({"auditID": format!("{id}-m"), "level": "Metadata", "requestObject": null}),
            json!({"auditID": format!("{id}-p"), "verb": "patch", "requestObject": {"metadata": {"labels": {"a": "b"}}}}),
            json!({"auditID": format!("{id}-s"), "verb": "update", "objectRef": {"subresource": "status"}}),
            json!({"auditID": format!("{id}-o"), "objectRef": {"resource": "pods"}, "requestObject": {"kind": "Pod"}}),
        ] {
            writeln!(log, "{}", event(&id, &object, &changes)).unwrap();
        }
    }
    log
}

struct Sets(Folder);

impl Sets {
    fn new() -> Sets {
        Sets(Folder::new(&[("before/p.yaml", BEFORE), ("after/p.yaml", AFTER)]))
    }

    fn compare(&self, arguments: &[&str], input: &str) -> (i32, String) {
        let (before, after) = (self.0.file("before"), self.0.file("after"));
        let all = [&["--against", &before, "--policies", &after, "-"], arguments].concat();
        let (code, output) = check(&all, input);
        (code, output.replace(&format!("{}/", self.0.path()), ""))
    }
}

#[test]
fn an_audit_log_is_judged_once_a_request() {
    let (code, output) = Sets::new().compare(&["--output", "json"], &log());
    let result: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(code, 1);
    let total = &result["total"];
    assert_eq!(
        (&total["compared"], &total["differ"], &total["repeated"]),
        (&10.into(), &10.into(), &0.into())
    );
    assert_eq!(
        total["skipped"],
        json!({
            "an event of the stage RequestReceived": 10,
            "an event of a request that was seen already": 10,
            "an event of the level Metadata, which has no object": 10,
            "a patch of rayjobs, which has no whole object": 10,
            "an event of rayjobs/status": 10,
            "an event of another resource": 10,
        })
    );
    // The first has two limits below their requests, and no deadline.
    let first = &result["objects"][0];
    assert_eq!(first["user"], "system:serviceaccount:flyte:flytepropeller");
    assert_eq!(first["verdict"], json!({"before": "allowed", "after": "denied"}));
    let findings = first["findings"].as_array().unwrap();
    let of = |code: &str| {
        findings
            .iter()
            .filter(|finding| finding["code"] == code)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("RG203").len(), 2);
    assert!(
        of("RG203")
            .iter()
            .all(|finding| finding["before"].is_null() && finding["after"]["action"] == "Deny")
    );
    assert_eq!(
        (&of("RG405")[0]["before"]["action"], &of("RG405")[0]["after"]["action"]),
        (&"Audit".into(), &"Warn".into())
    );
    let changes = first["changes"].as_array().unwrap();
    let place = "spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers[0].resources.limits.memory";
    assert!(
        changes.contains(&json!({"path": place, "before": "32Gi", "after": "500Mi"})),
        "{changes:?}"
    );
    // A TTL of 300 came from the author, so nothing differs there.
    assert_eq!(total["codes"]["RG405"], json!({"gone": 0, "new": 0, "changed": 10}));
    assert_eq!(
        total["verdicts"],
        json!({"allowed -> denied": total["codes"]["RG203"]["new"]})
    );
}

#[test]
fn people_read_what_differs_and_the_counts() {
    let job = json!({
        "apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": {"name": "train", "namespace": "ml"},
        "spec": {"entrypoint": "x", "rayClusterSpec": {"headGroupSpec": {"template": {"spec": {"containers": [
            {"name": "ray-head", "image": "i", "resources": {
                "requests": {"cpu": "4", "memory": "8Gi"}, "limits": {"cpu": "2", "memory": "8Gi"},
            }},
        ]}}}}},
    });
    let sets = Sets::new();
    let (code, output) = sets.compare(&["--only", "RG2"], &event("a", &job, &json!({})).to_string());
    assert_eq!(code, 1);
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("before  before: 1 policy, bundle "), "{output}");
    assert!(lines[1].starts_with("after   after: 1 policy, bundle "), "{output}");
    let container = "spec.rayClusterSpec.headGroupSpec.template.spec.containers[0]";
    assert_eq!(
        lines[2..],
        [
            "allowed -> denied  <stdin>:1  RayJob ml/train  CREATE by system:serviceaccount:flyte:flytepropeller",
            &format!(
                "  + Deny RG203 {container}.resources.limits.cpu: head: cpu limit 2 is below its request 4, no pod can be created"
            ),
            &format!("  * {container}.resources.limits.cpu: \"4\" -> \"2\""),
            "  * spec.ttlSecondsAfterFinished: 300 -> 600",
            "allowed -> denied: 1",
            "RG203  0 gone, 1 new, 0 changed",
            "1 request compared, 1 differ",
        ]
    );
    let (_, output) = sets.compare(&["--only", "RG2", "--output", "concise"], &job.to_string());
    assert_eq!(
        output,
        format!(
            "<stdin>:1: ml/train: allowed -> denied: +RG203 *{container}.resources.limits.cpu *spec.ttlSecondsAfterFinished\n"
        )
    );
}

#[test]
fn the_same_set_differs_in_nothing() {
    let sets = Sets::new();
    let before = sets.0.file("before");
    let (code, output) = check(&["--against", &before, "--policies", &before, "-"], &log());
    assert_eq!(code, 0);
    assert!(
        output
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("10 requests compared, 0 differ; 60 documents skipped"),
        "{output}"
    );
}

#[test]
fn what_repeats_is_listed_once() {
    let object = &rayjobs()[0];
    let log: Vec<String> = (0..5)
        .map(|number| event(&format!("n{number}"), object, &json!({})).to_string())
        .collect();
    let (_, output) = Sets::new().compare(&["--output", "jsonl"], &log.join("\n"));
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let total = &lines[1]["total"];
    assert_eq!(
        (&total["compared"], &total["differ"], &total["repeated"]),
        (&5.into(), &5.into(), &4.into())
    );
    assert_eq!(total["verdicts"], json!({"allowed -> denied": 5}));
    let (_, output) = Sets::new().compare(&[], &log.join("\n"));
    assert!(
        output.ends_with("5 requests compared, 5 differ, in 1 different way\n"),
        "{output}"
    );
}

#[test]
fn who_was_impersonated_is_who_asked() {
    let eve = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: users}
spec:
  match: {}
  rules: [{name: no-eve, require: request.user != 'eve', message: eve}]
";
    let folder = Folder::new(&[("p.yaml", eve)]);
    let object = &rayjobs()[0];
    let log = [
        event("1", object, &json!({"impersonatedUser": {"username": "eve"}})),
        event(
            "2",
            object,
            &json!({"user": {"username": "eve"}, "impersonatedUser": {"username": "ann"}}),
        ),
        event("3", object, &json!({"user": {"username": "eve"}, "verb": "update"})),
    ];
    let log: Vec<String> = log.iter().map(Value::to_string).collect();
    let arguments = ["--policies", folder.path(), "--only", "rule/", "--output", "jsonl", "-"];
    let (_, output) = check(&arguments, &log.join("\n"));
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let allowed: Vec<bool> = lines.iter().map(|line| line["allowed"].as_bool().unwrap()).collect();
    assert_eq!(allowed, [false, true, false]);
    assert_eq!(lines[2]["operation"], "UPDATE");
}

#[test]
fn manifests_and_reviews_are_recorded_objects_too() {
    let object = &rayjobs()[0];
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "u", "operation": "CREATE", "namespace": "ml", "userInfo": {"username": "ann"}, "object": object},
    });
    let pretty = serde_json::to_string_pretty(object).unwrap();
    let (code, output) = Sets::new().compare(&["--output", "jsonl"], &format!("{pretty}\n{review}\n"));
    assert_eq!(code, 1);
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["user"], &lines[1]["user"]), (&Value::Null, &"ann".into()));
    assert_eq!(lines[1]["namespace"], "ml");
}

#[test]
fn broken_policies_and_formats_without_place_are_refused() {
    let folder = Folder::new(&[("a.yaml", "kind: RayPolicy\n")]);
    let ran = run(&["check", "--against", folder.path(), "-"], "");
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("RP101"), "{}", ran.err);
    assert_eq!(Sets::new().compare(&["--output", "sarif"], "").0, 2);
    assert_eq!(run(&["check", "--against", "policies"], "").code, 2);
}

/// What a policy in Preview would do is listed and counted, and makes no difference of its own.
#[test]
fn what_policies_in_preview_would_do_is_compared_too() {
    const PREVIEW: &str = "
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: cap}
spec: {match: {}, mode: Preview, priority: 1, limits: {maxGpusPerJob: 2}, defaults: {lifecycle: {activeDeadlineSeconds: 600}}}
";
    let with = |limit: &str| PREVIEW.replace("maxGpusPerJob: 2", limit);
    let folder = Folder::new(&[
        ("before/p.yaml", BEFORE),
        ("after/p.yaml", &format!("{BEFORE}---{PREVIEW}")),
        ("later/p.yaml", &format!("{BEFORE}---{}", with("maxGpusPerJob: 3"))),
    ]);
    let job = &std::fs::read_to_string(crate::command::SEED).unwrap();
    let compare = |before: &str, after: &str, output: &str| {
        let (before, after) = (folder.file(before), folder.file(after));
        check(
            &["--against", &before, "--policies", &after, "--output", output, "-"],
            job,
        )
    };
    let (code, text) = compare("before", "after", "full");
    assert_eq!(code, 0, "{text}");
    let lines: Vec<&str> = text.lines().skip(2).collect();
    let shown = [
        "allowed  <stdin>:1  RayJob mlplatform-production/a8h2k4xq9vbn5mzr7tjd-n0-0  CREATE",
        "  + preview[cap] Change lifecycle spec.activeDeadlineSeconds",
        "  + preview[cap] Deny RG310 spec.rayClusterSpec.workerGroupSpecs[0].replicas: 4 GPUs, one job may have 2; most are \
         those of group `gpu-workers`",
        "  + preview[cap] Ignore RG405 spec.activeDeadlineSeconds: no deadline: if the cluster never becomes ready, nothing \
         ends the job",
        "preview[cap] RG310      0 gone, 1 new, 0 changed",
        "preview[cap] RG405      0 gone, 1 new, 0 changed",
        "preview[cap] lifecycle  0 gone, 1 new, 0 changed",
        "1 request compared, 0 differ, 1 in Preview alone",
    ];
    assert_eq!(lines, shown);
    let (_, json) = compare("after", "later", "json");
    let result: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(result["objects"][0]["previews"][0]["code"], "RG310");
    assert_eq!(
        result["total"]["previews"],
        json!([{"policy": "cap", "code": "RG310", "gone": 0, "new": 0, "changed": 1}])
    );
    let (_, same) = compare("after", "after", "full");
    assert!(same.ends_with("1 request compared, 0 differ\n"), "{same}");
}

#[test]
fn the_exit_code_follows_what_is_newly_rejected() {
    let policy = |spec: &str| {
        format!(
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: a}}\nspec: {{match: {{}}, {spec}}}\n"
        )
    };
    let base = policy("defaults: {workers: {labels: {a: b}}}");
    let default = policy("defaults: {workers: {labels: {a: c}}}");
    let limit = policy("limits: {maxGpusPerJob: 1}, defaults: {workers: {labels: {a: b}}}");
    let folder = Folder::new(&[
        ("base/a.yaml", base.as_str()),
        ("default/a.yaml", default.as_str()),
        ("limit/a.yaml", limit.as_str()),
    ]);
    for (before, after, fail_on, code) in [
        ("base", "default", "deny", 0),
        ("base", "default", "warn", 0),
        ("base", "default", "audit", 1),
        ("base", "limit", "deny", 1),
        ("base", "limit", "never", 0),
        // What is admitted now was rejected before.
        ("limit", "base", "deny", 0),
    ] {
        let ran = run(
            &[
                "check",
                "--policies",
                &folder.file(after),
                "--against",
                &folder.file(before),
                "--fail-on",
                fail_on,
                crate::command::SEED,
            ],
            "",
        );
        assert_eq!(ran.code, code, "{before} {after} {fail_on}: {ran:?}");
    }
}
