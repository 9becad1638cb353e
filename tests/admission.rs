//! Reviews and answers: every byte string is answered, and a denial says what Flyte and its author need.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Answer, Endpoint, Gate, overloaded, panicked};
use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::policy::load::Source;
use raygate::ray::kind::KINDS;
use serde_json::{Value, json};

const SEED: &str = include_str!("rayjobs/seed-01-gpu-training.json");

fn seed() -> Value {
    serde_json::from_str(SEED).unwrap()
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn gate() -> Gate {
    Gate::new(Bundle::embedded())
}

/// A gate with one more policy or platform beside the shipped policy.
fn gate_with(platform: &str, policy: &str) -> Gate {
    let shipped = EMBEDDED[0].1.split("\n---\n").nth(1).unwrap();
    let platform = format!("apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {platform}\n");
    let policy = format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: own}}\nspec: {policy}\n");
    let shipped = shipped.replace("    accelerators:\n      nvidia.com/gpu: nvidia\n", "");
    let sources = [
        Source::new("a", &platform),
        Source::new("b", &shipped),
        Source::new("c", &policy),
    ];
    let loaded = raygate::policy::load(&sources, &known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{errors:#?}");
    Gate::new(Bundle::new(loaded.set))
}

fn review(operation: &str, object: Value, old: Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1",
            "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
            "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
            "name": "a8h2k4xq9vbn5mzr7tjd-n0-0",
            "namespace": "mlplatform-production",
            "operation": operation,
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
            "object": object,
            "oldObject": old,
        },
    })
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (&body["apiVersion"], &body["kind"]),
        (&json!("admission.k8s.io/v1"), &json!("AdmissionReview"))
    );
    assert_eq!(body["response"]["uid"], "u-1");
    body["response"].clone()
}

fn ask(gate: &Gate, endpoint: Endpoint, operation: &str, object: Value, old: Value) -> Value {
    body(&gate.answer(endpoint, review(operation, object, old).to_string().as_bytes(), NOW))
}

fn create(gate: &Gate, object: Value) -> Value {
    ask(gate, Endpoint::Validate, "CREATE", object, Value::Null)
}

/// What `/mutate` makes of an object.
fn mutated(gate: &Gate, object: &Value) -> Value {
    let response = ask(gate, Endpoint::Mutate, "CREATE", object.clone(), Value::Null);
    let mut object = object.clone();
    if let Some(patch) = response["patch"].as_str() {
        assert_eq!(response["patchType"], "JSONPatch");
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
        json_patch::patch(
            &mut object,
            &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
        )
        .unwrap();
    }
    object
}

fn with_two_groups_of_one_name(mut object: Value) -> Value {
    let groups = object["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        .as_array_mut()
        .unwrap();
    groups.push(groups[0].clone());
    object
}

#[test]
fn what_is_no_review_is_a_400_that_says_why() {
    let valid = review("CREATE", seed(), Value::Null).to_string();
    let without = |key: &str| {
        let mut review = review("CREATE", seed(), Value::Null);
        review["request"].as_object_mut().unwrap().remove(key);
        review.to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "no AdmissionReview"),
        (b"null".to_vec(), "no AdmissionReview"),
        (b"[]".to_vec(), "no AdmissionReview"),
        (valid.as_bytes()[..500].to_vec(), "no AdmissionReview"),
        (format!("\u{feff}{valid}").into_bytes(), "no AdmissionReview"),
        (format!("{valid} x").into_bytes(), "no AdmissionReview"),
        (deep.into_bytes(), "no AdmissionReview"),
        (
            valid
                .replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
                .into_bytes(),
            "v1beta1",
        ),
        (
            br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#.to_vec(),
            "no request",
        ),
        (without("uid").into_bytes(), "no request.uid"),
        (without("object").into_bytes(), "needs an object"),
        (
            review("CREATE", json!(7), Value::Null).to_string().into_bytes(),
            "no JSON object",
        ),
        (
            review("UPDATE", seed(), Value::Null).to_string().into_bytes(),
            "needs an oldObject",
        ),
        (
            review("PATCH", seed(), Value::Null).to_string().into_bytes(),
            "operation",
        ),
        (
            valid
                .replacen("\"uid\":\"u-1\"", "\"uid\":\"u-1\",\"uid\":\"u-2\"", 1)
                .into_bytes(),
            "duplicate field",
        ),
        (
            valid.replacen("\"spec\":", "\"spec\":{},\"spec\":", 1).into_bytes(),
            "stands twice",
        ),
        (
            valid.replacen("\"spec\":{", "\"spec\":{\"x\":1e999,", 1).into_bytes(),
            "out of range",
        ),
    ];
    let mut invalid = valid.into_bytes();
    let at = invalid.windows(6).position(|window| window == b"gpu-wo").unwrap();
    invalid[at] = 0xff;
    cases.push((invalid, ""));
    for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
        for (bytes, why) in &cases {
            let answer = gate().answer(endpoint, bytes, NOW);
            let text = String::from_utf8(answer.body).unwrap();
            assert_eq!(answer.status, 400, "{why}: {text}");
            assert!(text.contains(why), "{why}: {text}");
            assert_eq!(answer.record.verdict, "malformed");
        }
    }
}

#[test]
fn what_is_not_ours_is_allowed_and_said_to_be() {
    for (pointer, value) in [
        ("/request/kind/kind", json!("RayTune")),
        ("/request/kind/kind", json!("rayjob")),
        ("/request/kind/group", json!("example.com")),
        ("/request/subResource", json!("status")),
        ("/request/operation", json!("DELETE")),
        ("/request/operation", json!("CONNECT")),
    ] {
        let mut review = review("CREATE", json!({"nonsense": true}), Value::Null);
        review["request"]["subResource"] = Value::Null;
        *review.pointer_mut(pointer).unwrap() = value.clone();
        let answer = gate().answer(Endpoint::Validate, review.to_string().as_bytes(), NOW);
        assert_eq!(answer.record.verdict, "not-ours", "{value}");
        let response = body(&answer);
        assert_eq!(response["allowed"], true);
        assert!(response.get("patch").is_none());
    }
}

#[test]
fn a_denial_has_code_reason_text_and_causes() {
    let gate = gate();
    let response = create(&gate, with_two_groups_of_one_name(mutated(&gate, &seed())));
    assert_eq!(response["allowed"], false);
    let status = &response["status"];
    assert_eq!((&status["code"], &status["reason"]), (&json!(403), &json!("Forbidden")));
    let message = status["message"].as_str().unwrap();
    assert!(
        message.starts_with("worker group name `gpu-workers` is used twice"),
        "{message}"
    );
    assert!(
        message.contains("WorkerNodeConfig(group_name=") && message.contains("raygate explain RG501"),
        "{message}"
    );
    let cause = &status["details"]["causes"][0];
    assert_eq!(cause["reason"], "RG501");
    assert_eq!(cause["field"], "spec.rayClusterSpec.workerGroupSpecs[1].groupName");
    assert!(
        response["auditAnnotations"]["findings"]
            .as_str()
            .unwrap()
            .contains("Deny RG501")
    );
}

#[test]
fn a_gate_in_preview_changes_and_denies_nothing_also_after_new_policies() {
    let kinds = KINDS.iter().map(|kind| kind.name.to_owned()).collect();
    let gate = Gate::previewing(Bundle::embedded(), kinds);
    assert!(gate.summary().contains("all in Preview"), "{}", gate.summary());
    for _ in 0..2 {
        let patch = ask(&gate, Endpoint::Mutate, "CREATE", seed(), Value::Null)["patch"].take();
        assert_eq!(patch, Value::Null);
        let answer = create(&gate, with_two_groups_of_one_name(seed()));
        assert_eq!(answer["allowed"], true);
        let preview = answer["auditAnnotations"]["preview"].as_str().unwrap();
        assert!(preview.contains("RG501"), "{preview}");
        gate.replace(Bundle::embedded());
    }
}

#[test]
fn the_status_is_final_where_the_platform_names_a_flyte_that_takes_it_so() {
    for (version, code) in [
        ("1.16.6", 403),
        ("1.16.7", 422),
        ("1.17.0", 422),
        ("1.15.9", 403),
        ("2.0.43", 403),
    ] {
        let gate = gate_with(
            &format!("{{flyte: {{version: \"{version}\"}}}}"),
            "{match: {}, priority: 1}",
        );
        let response = create(&gate, with_two_groups_of_one_name(mutated(&gate, &seed())));
        assert_eq!(response["status"]["code"], code, "{version}");
    }
}

#[test]
fn a_job_that_was_not_completed_is_not_blamed_on_its_author() {
    let response = create(&gate(), seed());
    assert_eq!(response["allowed"], false);
    assert_eq!(
        (&response["status"]["code"], &response["status"]["reason"]),
        (&json!(429), &json!("TooManyRequests"))
    );
    assert_eq!(response["status"]["details"]["retryAfterSeconds"], 1);
    let works_without = {
        let mut object = mutated(&gate(), &seed());
        object["spec"]["ttlSecondsAfterFinished"] = json!(0);
        object
    };
    let response = create(&gate(), works_without);
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].to_string();
    assert!(warnings.contains("defaults were not applied"), "{warnings}");
}

#[test]
fn what_is_forced_and_missing_is_not_let_through() {
    let gate = gate_with(
        "{}",
        "{match: {}, priority: 1, force: {head: {serviceType: ClusterIP}}}",
    );
    let mut object = mutated(&gate, &seed());
    assert_eq!(
        object["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"],
        "ClusterIP"
    );
    assert_eq!(create(&gate, object.clone())["allowed"], true);
    object["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"] = json!("NodePort");
    assert_eq!(create(&gate, object)["status"]["code"], 429);
}

#[test]
fn an_update_is_refused_only_for_what_it_makes_worse() {
    let gate = gate_with("{}", "{match: {}, priority: 1, limits: {maxGpusPerJob: 8}}");
    let job = |replicas: i64, suspend: bool| {
        let mut object = mutated(&gate, &seed());
        object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = json!(replicas);
        object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplicas"] = json!(replicas);
        object["spec"]["suspend"] = json!(suspend);
        object
    };
    let update = |old: Value, new: Value| ask(&gate, Endpoint::Validate, "UPDATE", new, old);
    assert_eq!(update(job(4, false), job(16, false))["allowed"], false);
    assert_eq!(update(job(16, false), job(12, false))["allowed"], true);
    assert_eq!(update(job(16, false), job(32, false))["allowed"], false);
    assert_eq!(update(job(16, true), job(16, true))["allowed"], true);
    assert_eq!(
        update(job(16, true), job(16, false))["allowed"],
        false,
        "resuming is judged like creating"
    );
    let running = |mut object: Value| {
        object["status"] = json!({"rayClusterName": "x"});
        object
    };
    assert_eq!(
        update(running(job(4, false)), running(job(16, false)))["allowed"],
        false
    );
    assert_eq!(
        update(running(job(16, false)), running(job(12, false)))["allowed"],
        true
    );
    let response = update(
        running(job(4, false)),
        with_two_groups_of_one_name(running(job(4, false))),
    );
    assert_eq!(response["allowed"], false);
    assert!(response["status"]["message"].to_string().contains("RG501"));
}

#[test]
fn many_findings_are_counted_and_the_text_stays_short() {
    let mut object = mutated(&gate(), &seed());
    let group = object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    object["spec"]["rayClusterSpec"]["workerGroupSpecs"] = Value::Array(vec![group; 80]);
    let response = create(&gate(), object);
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 51);
    assert!(
        causes[50]["message"].as_str().unwrap().contains("29 more"),
        "{}",
        causes[50]
    );
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.len() < 4096 && message.contains("and 74 more"), "{message}");
    assert!(!message.contains('\n'));
}

#[test]
fn warnings_fit_what_the_api_server_passes_on() {
    let mut object = seed();
    let group = object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    object["spec"]["rayClusterSpec"]["workerGroupSpecs"] = (0..100)
        .map(|index| {
            let mut group = group.clone();
            group["groupName"] = json!(format!("{}-{index}", "g".repeat(50)));
            group
        })
        .collect();
    let response = ask(&gate(), Endpoint::Mutate, "CREATE", object, Value::Null);
    let warnings: Vec<&str> = response["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(warnings.len() > 5 && warnings.iter().all(|warning| warning.len() <= 256));
    assert!(warnings.iter().map(|warning| warning.len()).sum::<usize>() <= 4096);
}

#[test]
fn an_author_may_skip_what_a_policy_lets_them_and_nothing_else() {
    let mut object = seed();
    object["metadata"]["annotations"]["raygate.dev/skip"] = json!("readiness, accelerators");
    let after = mutated(&gate(), &object);
    let worker = &after["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"];
    assert!(worker["containers"][0].get("readinessProbe").is_none());
    assert_eq!(worker["tolerations"][0]["key"], "nvidia.com/gpu");
}

#[test]
fn the_record_names_where_each_change_came_from_and_no_uid() {
    let after = mutated(&gate(), &seed());
    let record: Value = serde_json::from_str(
        after["metadata"]["annotations"]["raygate.dev/applied"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    assert!(
        record["sharedMemory"]
            .as_str()
            .unwrap()
            .starts_with("policies/default.yaml:"),
        "{record}"
    );
    assert!(
        record["submitter"]
            .as_str()
            .unwrap()
            .starts_with("policies/default.yaml:"),
        "{record}"
    );
    assert_eq!(record["RG203"], "built-in");
    assert_eq!(record["bundle"].as_str().unwrap(), gate().bundle().short_digest());
}

#[test]
fn overload_and_panic_are_answered_in_kind() {
    let review = review("CREATE", seed(), Value::Null).to_string();
    assert_eq!(overloaded(Endpoint::Mutate, review.as_bytes()).status, 503);
    let busy = body(&overloaded(Endpoint::Validate, review.as_bytes()));
    assert_eq!(
        (&busy["status"]["code"], &busy["status"]["details"]["retryAfterSeconds"]),
        (&json!(429), &json!(1))
    );
    let defect = body(&panicked(Endpoint::Validate, review.as_bytes()));
    assert_eq!(defect["status"]["code"], 403);
    assert!(
        defect["status"]["message"]
            .as_str()
            .unwrap()
            .contains("defect of raygate")
    );
    assert_eq!(body(&panicked(Endpoint::Mutate, review.as_bytes()))["allowed"], true);
}

/// An exclusion loosens: a label that anyone can write does not bring it about.
#[test]
fn a_forged_label_does_not_escape_through_an_exclusion() {
    let gate = gate_with(
        "{flyte: {serviceAccounts: [flyte]}}",
        "{match: {}, priority: 1, exclude: [{projects: [hero]}], limits: {maxGpusPerJob: 2}}",
    );
    let mut object = mutated(&gate, &seed());
    assert_eq!(create(&gate, object.clone())["allowed"], false);
    object["metadata"]["labels"]["project"] = json!("hero");
    assert_eq!(create(&gate, object)["allowed"], false);
}

/// Skipping turns off what fills in, never what a policy forces.
#[test]
fn what_is_forced_cannot_be_skipped() {
    let gate = gate_with(
        "{}",
        "{match: {}, priority: 1, allowSkip: [lifecycle, pods], \
          force: {lifecycle: {activeDeadlineSeconds: 3600}, pods: {schedulerName: volcano}}}",
    );
    let mut object = seed();
    object["metadata"]["annotations"]["raygate.dev/skip"] = json!("lifecycle, pods");
    let after = mutated(&gate, &object);
    assert_eq!(after["spec"]["activeDeadlineSeconds"], 3600);
    assert_eq!(
        after["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["schedulerName"],
        "volcano"
    );
}

/// A job that is kept by force has no TTL left, which KubeRay would refuse.
#[test]
fn shutdown_turned_off_by_force_takes_the_ttl_with_it() {
    let gate = gate_with(
        "{}",
        "{match: {}, priority: 1, force: {lifecycle: {shutdownAfterJobFinishes: false}}}",
    );
    let after = mutated(&gate, &seed());
    assert_eq!(after["spec"]["shutdownAfterJobFinishes"], false);
    assert_eq!(after["spec"]["ttlSecondsAfterFinished"], 0);
    assert_eq!(create(&gate, after)["allowed"], true);
}

/// What a policy puts on the pods is read by the injectors after it: the probes follow the dashboard's port.
#[test]
fn injectors_read_what_a_policy_sets() {
    let gate = gate_with(
        "{}",
        "{match: {}, priority: 1, defaults: {head: {rayStartParams: {dashboard-port: \"9000\"}}}}",
    );
    let after = mutated(&gate, &seed());
    let head = &after["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0];
    assert_eq!(head["readinessProbe"]["httpGet"]["port"], 9000);
    assert_eq!(mutated(&gate, &after), after);
    assert_eq!(create(&gate, after)["allowed"], true);
}

/// A suspended job whose finalizer is removed is left as it is, whatever newer policies want.
#[test]
fn an_update_that_leaves_the_spec_alone_is_not_completed() {
    let gate = gate_with(
        "{}",
        "{match: {}, priority: 1, force: {lifecycle: {activeDeadlineSeconds: 60}}}",
    );
    let mut old = seed();
    old["spec"]["suspend"] = json!(true);
    old["metadata"]["finalizers"] = json!(["ray.io/rayjob-finalizer"]);
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!([]);
    let response = ask(&gate, Endpoint::Mutate, "UPDATE", new, old);
    assert!(response.get("patch").is_none(), "{response}");
}

/// A resumed job does not bring a privileged submitter along; Kueue's own plain one passes.
#[test]
fn resuming_brings_no_submitter_with_rights_along() {
    let gate = gate_with("{}", "{match: {}, priority: 1, actions: {RG606: Deny}}");
    let mut old = mutated(&gate, &seed());
    old["spec"].as_object_mut().unwrap().remove("submitterPodTemplate");
    old["spec"]["suspend"] = json!(true);
    let resumed = |security: Value| {
        let mut new = old.clone();
        new["spec"]["suspend"] = json!(false);
        new["spec"]["submitterPodTemplate"] = json!({"spec": {"restartPolicy": "Never", "containers": [
            {"name": "ray-job-submitter", "image": "ghcr.io/my-org/ray:2.52.1", "securityContext": security}]}});
        ask(&gate, Endpoint::Validate, "UPDATE", new, old.clone())["allowed"].clone()
    };
    assert_eq!(resumed(Value::Null), true);
    assert_eq!(resumed(json!({"privileged": true})), false);
}

#[test]
fn the_record_says_what_was_asked_for_and_where_the_time_went() {
    let gate = gate();
    let answer = |endpoint, review: &Value| gate.answer(endpoint, review.to_string().as_bytes(), NOW).record;
    let created = review("CREATE", seed(), Value::Null);
    let judged = answer(Endpoint::Validate, &created);
    let object = raygate::json::Tree::of(&seed()).unwrap();
    let gpus = raygate::ray::facts::Facts::of(&raygate::ray::Workload::of(object.root()), &Default::default()).gpus;
    assert!(gpus > 0);
    assert_eq!(judged.gpus, gpus.unsigned_abs());
    assert!(!judged.spent.parse.is_zero() && !judged.spent.judge.is_zero());

    let mut rehearsed = created.clone();
    rehearsed["request"]["dryRun"] = json!(true);
    assert_eq!(
        answer(Endpoint::Validate, &rehearsed).gpus,
        0,
        "nobody gets what a dry run asks for"
    );
    assert_eq!(answer(Endpoint::Validate, &review("UPDATE", seed(), seed())).gpus, 0);

    let mutated = answer(Endpoint::Mutate, &created);
    assert_eq!(mutated.gpus, 0, "a RayJob is counted once, where it is judged");
    let policy = |by: &str| {
        let found = mutated.injections.iter().find(|(name, _)| *name == by);
        found.unwrap_or_else(|| panic!("{by}: {mutated:?}")).1.clone()
    };
    assert_eq!(policy("submitter").as_deref(), Some("default"));
    assert_eq!(policy("RG203"), None, "a repair that the check does by itself");
}

#[test]
fn a_patch_far_down_replaces_the_spec_and_keeps_every_number_in_it() {
    let gate = gate();
    let numbers =
        "[0.1, 4.35, 1e-7, 5e-324, 123456789.12345679, 1.7976931348623157e308, 9007199254740993, -9223372036854775808]";
    let text = SEED.replacen("\"spec\": {", &format!("\"spec\": {{\"x-later\": {numbers},"), 1);
    let object: Value = serde_json::from_str(&text).unwrap();
    let response = ask(&gate, Endpoint::Mutate, "CREATE", object, Value::Null);
    let patch = base64::engine::general_purpose::STANDARD.decode(response["patch"].as_str().unwrap());
    let patch: Value = serde_json::from_slice(&patch.unwrap()).unwrap();
    let paths: Vec<&str> = patch
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/metadata/annotations/raygate.dev~1applied", "/spec"]);
    let sent: Vec<f64> = serde_json::from_str(numbers).unwrap();
    let kept = &patch[1]["value"]["x-later"];
    assert_eq!(serde_json::from_value::<Vec<f64>>(kept.clone()).unwrap(), sent);
    assert_eq!(
        (kept[6].as_i64(), kept[7].as_i64()),
        (Some(9_007_199_254_740_993), Some(i64::MIN))
    );
}
