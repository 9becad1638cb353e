//! Updates: what is applied again changes nothing, what KubeRay will build is judged, and controllers are left alone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::policy::load::Source;
use serde_json::{Value, json};

const APPLIED: &str = "raygate.dev/applied";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const TENANT: &str = "tenant";
const OPERATOR: &str = "system:serviceaccount:ray-system:kuberay-operator";
const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";

/// The shipped policies and one more.
fn gate_with(policy: &str) -> Gate {
    let policy = format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: own}}\nspec: {policy}\n");
    let platform =
        "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {flyte: {namespace: \"{project}-{domain}\"}}\n";
    let sources = [
        Source::new("a", EMBEDDED[0].1),
        Source::new("b", &policy),
        Source::new("c", platform),
    ];
    let loaded = raygate::policy::load(&sources, &known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{errors:#?}");
    Gate::new(Bundle::new(loaded.set))
}

fn gate() -> Gate {
    Gate::new(Bundle::embedded())
}

fn seeds() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let mut seeds: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    seeds.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seeds.len(), 10);
    seeds
}

fn seed(start: &str) -> Value {
    let seed = seeds().into_iter().find(|(name, _)| name.starts_with(start));
    seed.unwrap_or_else(|| panic!("no {start}")).1
}

fn ask(gate: &Gate, endpoint: Endpoint, user: &str, old: Option<&Value>, new: &Value) -> Value {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
            "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
            "name": "train",
            "namespace": "mlplatform-production",
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
            "userInfo": {"username": user},
            "object": new,
            "oldObject": old,
        },
    });
    let answer = gate.answer(endpoint, review.to_string().as_bytes(), Timestamp::UNIX_EPOCH);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["response"].clone()
}

/// What `/mutate` makes of an object.
fn mutated(gate: &Gate, user: &str, old: Option<&Value>, new: &Value) -> Value {
    let response = ask(gate, Endpoint::Mutate, user, old, new);
    assert_eq!(response["allowed"], true, "{response}");
    let mut object = new.clone();
    if let Some(patch) = response["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
        json_patch::patch(
            &mut object,
            &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
        )
        .unwrap();
    }
    object
}

/// What the API server stores of a request: both webhooks, the mutating one twice, as it is called again after others.
fn stored(gate: &Gate, user: &str, old: Option<&Value>, new: &Value) -> Result<Value, String> {
    let once = mutated(gate, user, old, new);
    let twice = mutated(gate, user, old, &once);
    assert_eq!(once, twice, "a second pass changes nothing");
    let answer = ask(gate, Endpoint::Validate, user, old, &once);
    match answer["allowed"].as_bool() {
        Some(true) => Ok(once),
        _ => Err(answer["status"]["message"].as_str().unwrap_or_default().to_owned()),
    }
}

fn created(gate: &Gate, manifest: &Value) -> Value {
    stored(gate, TENANT, None, manifest).unwrap()
}

/// `kubectl apply` of a manifest: objects merge, lists are replaced.
fn apply(live: &Value, manifest: &Value) -> Value {
    fn merge(live: &mut Value, manifest: &Value) {
        match (live, manifest) {
            (Value::Object(live), Value::Object(manifest)) => {
                for (key, value) in manifest {
                    merge(live.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
            (live, manifest) => *live = manifest.clone(),
        }
    }
    let mut next = live.clone();
    merge(&mut next, manifest);
    next["metadata"]["annotations"][LAST_APPLIED] = manifest.to_string().into();
    next
}

/// `kubectl replace` of a manifest: what the manifest does not say is gone, but for the status.
fn replace(live: &Value, manifest: &Value) -> Value {
    let mut next = manifest.clone();
    if let Some(status) = live.get("status") {
        next["status"] = status.clone();
    }
    next
}

fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove(LAST_APPLIED);
    }
    object
}

fn running(mut object: Value) -> Value {
    object["status"] = json!({"rayClusterName": "train-abcde", "jobDeploymentStatus": "Running"});
    object
}

fn suspended(mut object: Value) -> Value {
    object["spec"]["suspend"] = json!(true);
    object
}

const NEWER: &str = "{match: {}, priority: 5, defaults: {readiness: Wget, pods: {labels: {team: x}, env: [{name: X, value: y}]}, \
                     sharedMemory: {size: 30%}}}";

#[test]
fn a_manifest_that_is_applied_again_changes_nothing() {
    let (gate, newer) = (gate(), gate_with(NEWER));
    for (name, manifest) in seeds() {
        for (state, live) in [
            ("running", running(created(&gate, &manifest))),
            ("suspended", suspended(created(&gate, &manifest))),
            ("not yet started", created(&gate, &manifest)),
        ] {
            for (policies, gate) in [("the same", &gate), ("newer", &newer)] {
                for (way, again) in [
                    ("apply", apply(&live, &manifest)),
                    ("replace", replace(&live, &manifest)),
                ] {
                    let again = match state {
                        "suspended" => suspended(again),
                        _ => again,
                    };
                    let after = stored(gate, TENANT, Some(&live), &again);
                    let after = after.unwrap_or_else(|why| panic!("{name}, {state}, {policies}, {way}: {why}"));
                    assert_eq!(
                        without_bookkeeping(&after),
                        without_bookkeeping(&live),
                        "{name}, {state}, {policies} policies, {way}"
                    );
                }
            }
        }
    }
}

/// Kueue has placed the pods: the worker groups that come again keep what it wrote, and their sizes are the author's.
/// A list that is in no manifest, and that policies complete, comes as it is stored the second time.
#[test]
fn a_manifest_that_is_applied_again_keeps_what_others_set() {
    let manifest = suspended(seed("seed-01"));
    let mut live = created(&gate(), &manifest);
    let head = "/spec/rayClusterSpec/headGroupSpec/template/spec";
    live.pointer_mut(head).unwrap()["tolerations"] = json!([{"key": "mine", "operator": "Exists"}]);
    let newer = gate_with(
        "{match: {}, defaults: {pods: {tolerations: [{key: spot, operator: Exists}], env: [{name: X, value: y}]}}}",
    );
    let mut manifest = manifest;
    let env = &mut manifest.pointer_mut(head).unwrap()["containers"][0]["env"];
    env.as_array_mut().unwrap().push(json!({"name": "MINE", "value": "x"}));
    let once = stored(&newer, TENANT, Some(&live), &apply(&live, &manifest)).unwrap();
    let tolerations = once.pointer(head).unwrap()["tolerations"].as_array().unwrap().len();
    assert_eq!(tolerations, 2, "{once}");
    let again = stored(&newer, TENANT, Some(&once), &apply(&once, &manifest)).unwrap();
    assert_eq!(again, once);
}

/// A limit lowers `maxReplicas`. The manifest still has more, while the pods run, also under another limit.
#[test]
fn a_manifest_whose_sizes_were_repaired_is_applied_again() {
    let limited = |most: u32| gate_with(&format!("{{match: {{}}, limits: {{maxWorkersPerGroup: {most}}}}}"));
    let mut manifest = seed("seed-01");
    let cluster = &mut manifest["spec"]["rayClusterSpec"];
    cluster["enableInTreeAutoscaling"] = json!(true);
    let group = &mut cluster["workerGroupSpecs"][0];
    for (key, count) in [("replicas", 1), ("minReplicas", 1), ("maxReplicas", 9)] {
        group[key] = json!(count);
    }
    let most = |object: &Value| object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplicas"].clone();
    let live = running(created(&limited(4), &manifest));
    assert_eq!(most(&live), 4);
    for (limit, stays) in [(4, 4), (6, 6), (3, 3)] {
        let gate = limited(limit);
        let once = stored(&gate, TENANT, Some(&live), &apply(&live, &manifest)).unwrap();
        assert_eq!(most(&once), stays, "{limit}");
        let again = stored(&gate, TENANT, Some(&once), &apply(&once, &manifest)).unwrap();
        assert_eq!(again, once, "{limit}");
    }
    // A label alone brings no newer limit.
    let mut labelled = live.clone();
    labelled["metadata"]["labels"]["mine"] = json!("x");
    let labelled = stored(&limited(3), TENANT, Some(&live), &labelled).unwrap();
    assert_eq!(most(&labelled), 4);
}

#[test]
fn a_manifest_that_is_applied_again_keeps_kueues_placement() {
    let manifest = seed("seed-01");
    for gate in [gate(), gate_with(NEWER)] {
        let mut live = running(created(&self::gate(), &manifest));
        let template = &mut live["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"];
        template["spec"]["nodeSelector"] = json!({"pool": "flavor-a"});
        template["metadata"]["labels"]["kueue.x-k8s.io/podset"] = json!("gpu-workers");
        let mut scaled = manifest.clone();
        scaled["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = json!(3);
        let after = stored(&gate, TENANT, Some(&live), &apply(&live, &scaled)).unwrap();
        let mut want = live.clone();
        want["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = json!(3);
        assert_eq!(without_bookkeeping(&after), without_bookkeeping(&want));
    }
}

#[test]
fn an_edit_of_the_manifest_is_not_lost() {
    let gate = gate();
    let first = seed("seed-01");
    let set = |pointer: &str, value: Value| {
        let mut manifest = first.clone();
        *manifest.pointer_mut(pointer).unwrap() = value;
        manifest
    };
    let head = "/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0/image";
    let worker = "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0/image";
    let image = json!("ghcr.io/my-org/ray:2.52.2");
    for (pointer, value) in [
        ("/spec/entrypoint", json!("python b.py")),
        (head, image.clone()),
        (worker, image),
    ] {
        let second = set(pointer, value.clone());
        for live in [running(created(&gate, &first)), suspended(created(&gate, &first))] {
            let next = match live["spec"]["suspend"] == true {
                true => suspended(apply(&live, &second)),
                false => apply(&live, &second),
            };
            let after = stored(&gate, TENANT, Some(&live), &next).unwrap();
            assert_eq!(after.pointer(pointer), Some(&value));
            // And back again: the record does not remember the first manifest any longer.
            let back = match live["spec"]["suspend"] == true {
                true => suspended(apply(&after, &first)),
                false => apply(&after, &first),
            };
            let back = stored(&gate, TENANT, Some(&after), &back).unwrap();
            assert_eq!(back.pointer(pointer), first.pointer(pointer));
            assert_eq!(back["spec"], live["spec"], "{pointer}");
        }
    }
}

/// A field that the author takes out of the manifest is gone, though the rest comes again as it was.
#[test]
fn a_field_that_is_taken_out_is_gone() {
    let gate = gate();
    let second = seed("seed-01");
    let mut first = second.clone();
    first["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["priorityClassName"] = json!("high");
    first["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["spec"]["priorityClassName"] = json!("high");
    let live = suspended(created(&gate, &first));
    let mut next = suspended(apply(&live, &second));
    let head = next["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"].as_object_mut();
    head.unwrap().remove("priorityClassName");
    let after = stored(&gate, TENANT, Some(&live), &next).unwrap();
    let plain = suspended(created(&gate, &second));
    assert_eq!(after["spec"], plain["spec"]);
}

/// Kueue stops a job whose containers change.
#[test]
fn newer_policies_add_nothing_to_what_runs() {
    let gate = gate();
    let newer = gate_with(NEWER);
    let live = running(created(&gate, &seed("seed-01")));
    let mut labelled = live.clone();
    labelled["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["metadata"]["labels"]["a"] = json!("b");
    labelled["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"]["metadata"]["labels"]["a"] = json!("b");
    let after = stored(&newer, TENANT, Some(&live), &labelled).unwrap();
    assert_eq!(after["spec"], labelled["spec"]);
    let mut suspending = live.clone();
    suspending["spec"]["suspend"] = json!(true);
    assert_eq!(stored(&newer, TENANT, Some(&live), &suspending).unwrap(), suspending);
}

#[test]
fn a_forged_record_brings_back_no_more_than_what_is_stored() {
    let gate = gate();
    let live = suspended(created(&gate, &seed("seed-01")));
    let other = suspended(created(&gate, &seed("seed-05")));
    for record in [
        json!("{}"),
        json!("x"),
        other["metadata"]["annotations"][APPLIED].clone(),
        Value::Null,
    ] {
        let mut next = suspended(apply(&live, &seed("seed-01")));
        next["metadata"]["annotations"][APPLIED] = record;
        next["metadata"]["annotations"]
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let after = stored(&gate, TENANT, Some(&live), &next).unwrap();
        assert_eq!(after["spec"], live["spec"]);
    }
}

const STRICT: &str = "{match: {}, priority: 5, \
     limits: {maxGpusPerJob: 4, allowedImages: [\"ghcr.io/my-org/**\"], maxPodsPerJob: 10, podSecurity: baseline}, \
     force: {head: {serviceType: ClusterIP}, pods: {nodeSelector: {pool: tenants}, priorityClassName: low}}, \
     actions: {RG515: Deny, RG605: Deny, RG606: Deny, RG607: Deny}, \
     rules: [{name: owner, require: has(object.metadata.labels.project), message: no project}]}";

/// A job that is suspended, KubeRay's next cluster, a job that runs, and one without a cluster yet: a forced value stays
/// in each, or is put back.
#[test]
fn what_is_forced_cannot_be_edited_away() {
    let gate = gate_with(STRICT);
    let live = created(&gate, &seed("seed-01"));
    let edit = |live: &Value| {
        let mut next = live.clone();
        let cluster = &mut next["spec"]["rayClusterSpec"];
        cluster["headGroupSpec"]["serviceType"] = json!("LoadBalancer");
        cluster["workerGroupSpecs"][0]["template"]["spec"]["nodeSelector"] = json!({"pool": "production"});
        cluster["workerGroupSpecs"][0]["template"]["spec"]["priorityClassName"] = json!("system-node-critical");
        next
    };
    let resumed = |mut next: Value| {
        next["spec"]["suspend"] = json!(false);
        next
    };
    for (old, new) in [
        (live.clone(), edit(&live)),
        (running(live.clone()), edit(&running(live.clone()))),
        (suspended(live.clone()), edit(&suspended(live.clone()))),
        (suspended(live.clone()), resumed(edit(&suspended(live.clone())))),
        (running(live.clone()), suspended(edit(&running(live.clone())))),
        (edit(&suspended(live.clone())), resumed(edit(&live))),
    ] {
        let after = stored(&gate, TENANT, Some(&old), &new).unwrap();
        let cluster = &after["spec"]["rayClusterSpec"];
        assert_eq!(cluster["headGroupSpec"]["serviceType"], "ClusterIP");
        let worker = &cluster["workerGroupSpecs"][0]["template"]["spec"];
        assert_eq!(
            (&worker["nodeSelector"]["pool"], &worker["priorityClassName"]),
            (&json!("tenants"), &json!("low"))
        );
        // Where the mutating webhook was not called, the request is asked for again.
        assert_eq!(
            ask(&gate, Endpoint::Validate, TENANT, Some(&old), &new)["status"]["code"],
            429
        );
    }
    // A force that is newer than the job warns until the job is built anew.
    let older = running(created(&self::gate(), &seed("seed-01")));
    let mut labelled = older.clone();
    labelled["metadata"]["labels"]["seen"] = json!("yes");
    assert_eq!(
        stored(&gate, TENANT, Some(&older), &labelled).unwrap()["spec"],
        labelled["spec"]
    );
}

/// KubeRay prefers the type in `headService`, so that the forced one stands there too, in an added service or in a stored one.
#[test]
fn a_head_service_does_not_go_around_the_forced_type() {
    let gate = gate_with("{match: {}, force: {head: {serviceType: ClusterIP}}}");
    let live = running(created(&gate, &seed("seed-01")));
    let with = |service: Value| {
        let mut next = live.clone();
        next["spec"]["rayClusterSpec"]["headGroupSpec"]["headService"] = service;
        next
    };
    let typed = with(json!({"spec": {"type": "LoadBalancer", "sessionAffinity": "None"}}));
    for old in [live.clone(), with(json!({"spec": {"sessionAffinity": "None"}}))] {
        let after = stored(&gate, TENANT, Some(&old), &typed).unwrap();
        let service = &after["spec"]["rayClusterSpec"]["headGroupSpec"]["headService"];
        assert_eq!(service["spec"], json!({"type": "ClusterIP", "sessionAffinity": "None"}));
        // Without the mutating webhook the request is asked for again.
        assert_eq!(
            ask(&gate, Endpoint::Validate, TENANT, Some(&old), &typed)["status"]["code"],
            429
        );
    }
}

/// A deletion strategy that keeps the cluster, or keeps it for longer, does not go around a forced clean-up.
#[test]
fn a_deletion_strategy_does_not_go_around_the_forced_clean_up() {
    let force = "force: {lifecycle: {shutdownAfterJobFinishes: true, ttlSecondsAfterFinished: 60}}";
    let gate = gate_with(&format!("{{match: {{}}, priority: 5, {force}}}"));
    let rule = |policy: &str, key: &str, status: &str, ttl: u32| json!({"policy": policy, "condition": {key: status, "ttlSeconds": ttl}});
    let rules = |success: &str, failure: &str, ttl: u32| {
        json!({"deletionRules": [
            rule(success, "jobStatus", "SUCCEEDED", ttl),
            rule(failure, "jobDeploymentStatus", "Failed", ttl),
        ]})
    };
    let ends =
        |success: &str, failure: &str| json!({"onSuccess": {"policy": success}, "onFailure": {"policy": failure}});
    let with = |job: &Value, strategy: &Value| {
        let mut next = job.clone();
        next["spec"]["deletionStrategy"] = strategy.clone();
        next["spec"]["shutdownAfterJobFinishes"] = json!(false);
        next["spec"]["ttlSecondsAfterFinished"] = json!(0);
        next
    };
    let clean_up = |job: &Value| {
        let spec = &job["spec"];
        let shuts_down = spec["shutdownAfterJobFinishes"].as_bool().unwrap_or(false);
        let ttl = spec["ttlSecondsAfterFinished"].as_i64().unwrap_or(0);
        (spec["deletionStrategy"].clone(), shuts_down, ttl)
    };
    let live = created(&gate, &seed("seed-01"));
    let forced = (Value::Null, true, 60);
    for strategy in [
        ends("DeleteNone", "DeleteNone"),
        ends("DeleteCluster", "DeleteNone"),
        ends("DeleteWorkers", "DeleteCluster"),
        rules("DeleteNone", "DeleteNone", 0),
        rules("DeleteCluster", "DeleteWorkers", 0),
        rules("DeleteCluster", "DeleteCluster", 61),
        json!({"deletionRules": [rule("DeleteCluster", "jobStatus", "SUCCEEDED", 0)]}),
    ] {
        let new = created(&gate, &with(&seed("seed-01"), &strategy));
        assert_eq!(clean_up(&new), forced, "{strategy}");
        for old in [live.clone(), running(live.clone()), suspended(live.clone())] {
            let after = stored(&gate, TENANT, Some(&old), &with(&old, &strategy)).unwrap();
            assert_eq!(clean_up(&after), forced, "{strategy}");
        }
        // What was stored before the policy stays, until an edit writes another strategy that keeps the cluster.
        let older = running(with(&live, &strategy));
        let mut labelled = older.clone();
        labelled["metadata"]["labels"]["seen"] = json!("yes");
        let after = stored(&gate, TENANT, Some(&older), &labelled).unwrap();
        assert_eq!(clean_up(&after), clean_up(&older), "{strategy}");
        let after = stored(
            &gate,
            TENANT,
            Some(&older),
            &with(&older, &rules("DeleteNone", "DeleteCluster", 7)),
        );
        assert_eq!(clean_up(&after.unwrap()), forced, "{strategy}");
    }
    // One that deletes the cluster no later stays, with the fields that KubeRay allows beside it.
    let (by_rules, by_ends) = (
        rules("DeleteSelf", "DeleteCluster", 60),
        ends("DeleteCluster", "DeleteSelf"),
    );
    let new = created(&gate, &with(&seed("seed-01"), &by_rules));
    assert_eq!(clean_up(&new), (by_rules, false, 0));
    let new = created(&gate, &with(&seed("seed-01"), &by_ends));
    assert_eq!(clean_up(&new), (by_ends, true, 60));
    // A default does not change what the author wrote.
    let gate = gate_with("{match: {}, priority: 5, defaults: {lifecycle: {shutdownAfterJobFinishes: true}}}");
    let kept = ends("DeleteNone", "DeleteNone");
    assert_eq!(
        clean_up(&created(&gate, &with(&seed("seed-01"), &kept))),
        (kept, false, 0)
    );
}

/// The submitter that a tenant adds while resuming is judged like every other pod.
#[test]
fn resuming_is_judged() {
    let gate = gate_with(STRICT);
    let mut old = suspended(created(&gate, &seed("seed-01")));
    old["spec"].as_object_mut().unwrap().remove("submitterPodTemplate");
    let resume = |container: Value, pod: Value| {
        let mut new = old.clone();
        new["spec"]["suspend"] = json!(false);
        let mut submitter = json!({"restartPolicy": "Never", "containers": [{
            "name": "ray-job-submitter", "image": "ghcr.io/my-org/ray:2.52.1",
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        }]});
        json_patch::merge(&mut submitter["containers"][0], &container);
        json_patch::merge(&mut submitter, &pod);
        new["spec"]["submitterPodTemplate"] = json!({"spec": submitter});
        stored(&gate, TENANT, Some(&old), &new)
    };
    resume(json!({}), json!({})).unwrap();
    for (code, container, pod) in [
        ("RG601", json!({"image": "docker.io/evil/miner:1"}), json!({})),
        ("RG606", json!({"securityContext": {"privileged": true}}), json!({})),
        (
            "RG607",
            json!({"ports": [{"containerPort": 1, "hostPort": 22}]}),
            json!({}),
        ),
        (
            "RG611",
            json!({"securityContext": {"procMount": "Unmasked"}}),
            json!({}),
        ),
        (
            "RG605",
            json!({}),
            json!({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}),
        ),
    ] {
        let why = resume(container, pod).expect_err(code);
        assert!(why.contains(code), "{code}: {why}");
    }
}

/// Labels and annotations are judged for what they add: KubeRay and policies act on them.
#[test]
fn labels_and_annotations_are_judged_for_what_they_add() {
    let gate = gate_with(STRICT);
    let old = suspended(created(&gate, &seed("seed-01")));
    let mut bad = old.clone();
    bad["metadata"]["annotations"]["ray.io/overwrite-container-cmd"] = json!("true");
    bad["metadata"]["labels"].as_object_mut().unwrap().remove("project");
    let resumed = |mut object: Value| {
        object["spec"]["suspend"] = json!(false);
        object
    };
    for (old, new) in [
        (&old, bad.clone()),
        (&old, resumed(bad.clone())),
        (&bad, resumed(bad.clone())),
    ] {
        let why = stored(&gate, TENANT, Some(old), &new).unwrap_err();
        assert!(why.contains("RG515") || why.contains("rule/owner"), "{why}");
    }
    let mut harmless = bad.clone();
    harmless["metadata"]["labels"]["seen"] = json!("yes");
    harmless["metadata"]["finalizers"] = json!(["ray.io/rayjob-finalizer"]);
    let after = stored(&gate, TENANT, Some(&bad), &harmless).unwrap();
    assert_eq!(after["spec"], harmless["spec"]);
    assert_eq!(after["metadata"]["labels"], harmless["metadata"]["labels"]);
}

#[test]
fn the_operator_is_left_alone() {
    let gate = gate_with(STRICT);
    let old = running(seed("seed-01"));
    let mut new = old.clone();
    new["spec"].as_object_mut().unwrap().remove("submitterPodTemplate");
    new["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"] = json!("LoadBalancer");
    assert_eq!(stored(&gate, OPERATOR, Some(&old), &new).unwrap(), new);
}

/// What Kueue 0.19 writes when it admits, and when it evicts.
#[test]
fn kueue_suspends_and_resumes() {
    let gate = gate_with(STRICT);
    let queued = suspended(created(&gate, &seed("seed-01")));
    let admit = |object: &Value| {
        let mut next = object.clone();
        next["spec"].as_object_mut().unwrap().remove("suspend");
        let cluster = &mut next["spec"]["rayClusterSpec"];
        for template in ["/headGroupSpec/template", "/workerGroupSpecs/0/template"] {
            let template = cluster.pointer_mut(template).unwrap();
            template["metadata"]["labels"]["kueue.x-k8s.io/podset"] = json!("main");
            template["metadata"]["annotations"]["kueue.x-k8s.io/workload"] = json!("rayjob-train");
            template["spec"]["nodeSelector"] = json!({"pool": "flavor-a"});
            template["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
            template["spec"]["schedulingGates"] = json!([{"name": "kueue.x-k8s.io/topology"}]);
        }
        next
    };
    let admitted = admit(&queued);
    assert_eq!(stored(&gate, KUEUE, Some(&queued), &admitted).unwrap(), admitted);
    assert_eq!(
        stored(&gate, KUEUE, Some(&running(admitted.clone())), &queued).unwrap(),
        queued
    );
    // A tenant who does the same gets the forced selector back.
    let by_tenant = stored(&gate, TENANT, Some(&queued), &admitted).unwrap();
    let head = &by_tenant["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"];
    assert_eq!(head["nodeSelector"]["pool"], "tenants");

    let mut without = queued.clone();
    without["spec"].as_object_mut().unwrap().remove("submitterPodTemplate");
    let with_submitter = |image: &str, more: Value| {
        let mut next = admit(&without);
        let mut container = json!({"name": "ray-job-submitter", "image": image,
            "resources": {"requests": {"cpu": "500m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}});
        json_patch::merge(&mut container, &more);
        next["spec"]["submitterPodTemplate"] = json!({"metadata": {"labels": {"kueue.x-k8s.io/podset": "submitter"}},
            "spec": {"restartPolicy": "Never", "nodeSelector": {"pool": "flavor-a"}, "containers": [container]}});
        next
    };
    let image = without
        .pointer("/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0/image")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned();
    let default = with_submitter(&image, json!({}));
    assert_eq!(stored(&gate, KUEUE, Some(&without), &default).unwrap(), default);
    for (image, more) in [
        ("docker.io/evil/miner:1", json!({})),
        (&image, json!({"resources": {"limits": {"nvidia.com/gpu": "8"}}})),
        (&image, json!({"securityContext": {"privileged": true}})),
    ] {
        stored(&gate, KUEUE, Some(&without), &with_submitter(image, more)).unwrap_err();
    }
    // Outside scheduling it is judged like others.
    let mut grown = admit(&queued);
    grown["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = json!(30);
    grown["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["maxReplicas"] = json!(30);
    stored(&gate, KUEUE, Some(&queued), &grown).unwrap_err();
}

/// KubeRay's typed client writes the spec back in Go's form.
#[test]
fn another_form_of_the_same_spec_is_not_judged() {
    let gate = gate_with(STRICT);
    let mut old = seed("seed-01");
    let container = "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0";
    old.pointer_mut(container).unwrap()["resources"]["limits"]["memory"] = json!("1000000000");
    old.pointer_mut(container).unwrap()["securityContext"] = json!({});
    let mut new = old.clone();
    new.pointer_mut(container).unwrap()["resources"]["limits"]["memory"] = json!("1G");
    new.pointer_mut(container)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("securityContext");
    assert_eq!(stored(&gate, TENANT, Some(&old), &new).unwrap(), new);
}

const BY_SIZE: &str = "{match: {when: job.gpus > 4}, priority: 5, \
     defaults: {job: {labels: {queue: gpu}}}, force: {head: {serviceType: ClusterIP}, pods: {nodeSelector: {pool: large}}}}";

/// What one part of a job gets may depend on the others.
#[test]
fn a_job_that_grows_gets_what_a_large_one_gets() {
    let gate = gate_with(BY_SIZE);
    let small = seed("seed-01");
    let grow = |live: &Value| {
        let mut next = live.clone();
        let group = &mut next["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
        group["replicas"] = json!(8);
        group["maxReplicas"] = json!(8);
        next
    };
    let at_once = created(&gate, &grow(&small));
    for live in [created(&gate, &small), suspended(created(&gate, &small))] {
        assert!(live["metadata"]["labels"].get("queue").is_none());
        let mut after = stored(&gate, TENANT, Some(&live), &grow(&live)).unwrap();
        assert_eq!(after["metadata"]["labels"]["queue"], "gpu");
        after["spec"].as_object_mut().unwrap().remove("suspend");
        assert_eq!(after["spec"], at_once["spec"]);
    }
}

#[test]
fn a_label_that_brings_a_policy_brings_what_it_forces() {
    let with = |settings: &str| gate_with(&format!("{{match: {{domains: [staging]}}, priority: 5, {settings}}}"));
    let forcing = with("defaults: {pods: {labels: {team: x}}}, force: {head: {serviceType: ClusterIP}}");
    let live = suspended(created(&gate(), &seed("seed-01")));
    let mut next = live.clone();
    next["metadata"]["labels"]["domain"] = json!("staging");
    let after = stored(&forcing, TENANT, Some(&live), &next).unwrap();
    let head = &after["spec"]["rayClusterSpec"]["headGroupSpec"];
    assert_eq!(head["serviceType"], "ClusterIP");
    assert_eq!(head["template"]["metadata"]["labels"]["team"], "x");
    // Where nothing is forced, a label changes nothing else.
    let filling = with("defaults: {pods: {labels: {team: x}}}");
    let after = stored(&filling, TENANT, Some(&live), &next).unwrap();
    assert_eq!(after["spec"], live["spec"]);
}

/// The record still says what was received before an update that the mutating webhook did not see.
#[test]
fn a_revert_is_not_lost_after_an_update_that_was_not_mutated() {
    let gate = gate();
    let first = seed("seed-01");
    let mut second = first.clone();
    let image = json!("ghcr.io/my-org/ray:2.52.2");
    for pointer in [
        "/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0/image",
        "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0/image",
        "/spec/submitterPodTemplate/spec/containers/0/image",
        "/spec/entrypoint",
    ] {
        *second.pointer_mut(pointer).unwrap() = image.clone();
    }
    for live in [suspended(created(&gate, &first)), running(created(&gate, &first))] {
        let state = |object: Value| match live["spec"]["suspend"] == true {
            true => suspended(object),
            false => object,
        };
        let raw = state(apply(&live, &second));
        let back = stored(&gate, TENANT, Some(&raw), &state(apply(&raw, &first))).unwrap();
        assert_eq!(back["spec"], live["spec"]);
    }
}

#[test]
fn a_queue_controller_moves_no_forced_value() {
    let gate = gate_with(STRICT);
    let old = suspended(created(&gate, &seed("seed-01")));
    let mut new = old.clone();
    new["spec"]["suspend"] = json!(false);
    assert_eq!(stored(&gate, KUEUE, Some(&old), &new).unwrap(), new);
    new["spec"]["rayClusterSpec"]["headGroupSpec"]["serviceType"] = json!("LoadBalancer");
    stored(&gate, KUEUE, Some(&old), &new).unwrap_err();
}

/// A limit of the job as a whole is not exceeded anew where another group is now the largest.
#[test]
fn less_of_what_is_too_much_is_allowed() {
    let strict = gate_with(STRICT);
    let mut job = seed("seed-02");
    let groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        .as_array_mut()
        .unwrap();
    let size = |group: &mut Value, replicas: u32| {
        for key in ["replicas", "minReplicas", "maxReplicas"] {
            group[key] = json!(replicas);
        }
    };
    let mut second = groups[0].clone();
    second["groupName"] = json!("second");
    size(&mut groups[0], 10);
    size(&mut second, 9);
    *groups = vec![groups[0].clone(), second];
    let old = running(created(&gate(), &job));
    let mut fewer = old.clone();
    size(&mut fewer["spec"]["rayClusterSpec"]["workerGroupSpecs"][0], 5);
    let mut reordered = old.clone();
    let groups = reordered["spec"]["rayClusterSpec"]["workerGroupSpecs"].as_array_mut();
    groups.unwrap().reverse();
    let mut more = old.clone();
    size(&mut more["spec"]["rayClusterSpec"]["workerGroupSpecs"][1], 11);
    for (new, allowed) in [(fewer, true), (reordered, true), (more, false)] {
        let answer = ask(&strict, Endpoint::Validate, TENANT, Some(&old), &new);
        assert_eq!(answer["allowed"], allowed, "{answer}");
    }
}

const PULLS: &str = "{match: {}, priority: 5, defaults: {pods: {imagePullSecrets: [{name: pull}]}}}";

/// A job whose submitter is KubeRay's own.
fn without_submitter() -> Value {
    let mut manifest = seed("seed-01");
    manifest["spec"].as_object_mut().unwrap().remove("submitterPodTemplate");
    manifest
}

#[test]
fn the_submitter_that_a_policy_needs_comes_again() {
    let (gate, plain) = (gate_with(PULLS), gate());
    let manifest = without_submitter();
    assert!(created(&plain, &manifest)["spec"].get("submitterPodTemplate").is_none());
    let live = created(&gate, &manifest);
    let spec = &live["spec"]["submitterPodTemplate"]["spec"];
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "pull"}]));
    let image = "/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0/image";
    assert_eq!(live.pointer(image), Some(&spec["containers"][0]["image"]));
    for live in [running(live.clone()), suspended(live.clone())] {
        for again in [apply(&live, &manifest), replace(&live, &manifest)] {
            let again = if live["spec"]["suspend"] == true {
                suspended(again)
            } else {
                again
            };
            let after = stored(&gate, TENANT, Some(&live), &again).unwrap();
            assert_eq!(without_bookkeeping(&after), without_bookkeeping(&live));
        }
    }
    let live = suspended(live);
    let mut next = manifest.clone();
    *next.pointer_mut(image).unwrap() = json!("ghcr.io/my-org/ray:2.52.2");
    for again in [apply(&live, &next), replace(&live, &next)] {
        let after = stored(&gate, TENANT, Some(&live), &suspended(again)).unwrap();
        let spec = &after["spec"]["submitterPodTemplate"]["spec"];
        assert_eq!(spec["containers"][0]["image"], "ghcr.io/my-org/ray:2.52.2");
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "pull"}]));
    }
}

#[test]
fn a_running_job_gets_no_submitter() {
    let manifest = without_submitter();
    let live = running(created(&gate(), &manifest));
    for policy in [
        PULLS,
        "{match: {}, priority: 5, force: {pods: {imagePullSecrets: [{name: pull}]}}}",
    ] {
        let mut labelled = live.clone();
        labelled["metadata"]["labels"]["a"] = json!("b");
        for next in [labelled, apply(&live, &manifest)] {
            let after = mutated(&gate_with(policy), TENANT, Some(&live), &next);
            assert!(after["spec"].get("submitterPodTemplate").is_none(), "{policy}");
        }
    }
}

/// No template where KubeRay makes no submitter pod, or takes its image from a cluster that is not here.
#[test]
fn only_a_submitter_of_kuberay_gets_a_template() {
    let gate = gate_with(PULLS);
    let mut selecting = without_submitter();
    let spec = selecting["spec"].as_object_mut().unwrap();
    spec.remove("rayClusterSpec");
    spec.insert("clusterSelector".to_owned(), json!({"ray.io/cluster": "shared"}));
    let mut others = vec![selecting];
    for mode in ["HTTPMode", "SidecarMode", "InteractiveMode"] {
        let mut other = without_submitter();
        other["spec"]["submissionMode"] = json!(mode);
        others.push(other);
    }
    for manifest in others {
        let after = mutated(&gate, TENANT, None, &manifest);
        assert!(after["spec"].get("submitterPodTemplate").is_none(), "{manifest}");
    }
}

/// A pod that starts containers again when they are resized gets no `Never` as a default, which Kubernetes rejects from 1.33 on.
/// What is forced holds, and the findings say that it does not fit.
#[test]
fn no_pod_gets_never_as_a_default_that_restarts_its_containers_on_resize() {
    let resize = json!([{"resourceName": "memory", "restartPolicy": "RestartContainer"}]);
    for group in ["defaults", "force"] {
        let gate = gate_with(&format!(
            "{{match: {{}}, priority: 5, {group}: {{head: {{restartPolicy: Never}}, workers: {{restartPolicy: Never}}, submitter: {{restartPolicy: Never}}}}}}"
        ));
        for resizes in [true, false] {
            let mut manifest = seed("seed-01");
            for pod in [
                "/spec/rayClusterSpec/headGroupSpec/template/spec",
                "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec",
                "/spec/submitterPodTemplate/spec",
            ] {
                let spec = manifest.pointer_mut(pod).unwrap();
                spec.as_object_mut().unwrap().remove("restartPolicy");
                if resizes {
                    spec["containers"][0]["resizePolicy"] = resize.clone();
                }
            }
            let after = created(&gate, &manifest);
            let policy = |pod: &str| after.pointer(pod).unwrap().get("restartPolicy").cloned();
            let gets_never = group == "force" || !resizes;
            for pod in ["headGroupSpec", "workerGroupSpecs/0"] {
                let policy = policy(&format!("/spec/rayClusterSpec/{pod}/template/spec"));
                assert_eq!(policy == Some(json!("Never")), gets_never, "{group} {pod}");
            }
            let submitter = policy("/spec/submitterPodTemplate/spec");
            assert_eq!(
                submitter,
                Some(json!(if gets_never { "Never" } else { "OnFailure" })),
                "{group}"
            );
        }
    }
}

/// Requests of a container above those of its pod make the API server reject the pod.
#[test]
fn a_submitter_with_resources_of_the_pod_gets_none_in_its_container() {
    for policy in [
        "{match: {}, priority: 5}",
        "{match: {}, priority: 5, force: {submitter: {requests: {cpu: \"1\"}, limits: {cpu: \"1\"}}}}",
    ] {
        let mut manifest = seed("seed-01");
        let spec = &mut manifest["spec"]["submitterPodTemplate"]["spec"];
        spec["containers"][0].as_object_mut().unwrap().remove("resources");
        spec["resources"] = json!({"limits": {"cpu": "200m", "memory": "256Mi"}});
        let after = created(&gate_with(policy), &manifest);
        let container = &after["spec"]["submitterPodTemplate"]["spec"]["containers"][0];
        assert_eq!(container.get("resources"), None, "{policy}");
    }
}

/// A finding that names several things is new if an update adds one of them, and not if it takes one away.
#[test]
fn what_a_finding_is_about_is_judged_thing_by_thing() {
    let gate = gate_with("{match: {}, limits: {maxGpusPerJob: 100, unknownDevices: Deny}}");
    let with = |claims: &[(&str, &str)], env: &[(&str, &str)], fraction: &str| {
        let mut job = seed("seed-01");
        let worker = &mut job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["template"];
        let claim = |(name, of): &(&str, &str)| json!({"name": name, "resourceClaimTemplateName": of});
        worker["spec"]["resourceClaims"] = claims.iter().map(claim).collect();
        let variable = |(name, value): &(&str, &str)| json!({"name": name, "value": value});
        let mut all = worker["spec"]["containers"][0]["env"].as_array().unwrap().clone();
        all.extend(env.iter().map(variable));
        worker["spec"]["containers"][0]["env"] = json!(all);
        worker["metadata"]["annotations"]["gpu-fraction"] = json!(fraction);
        job
    };
    const NVIDIA: &str = "NVIDIA_VISIBLE_DEVICES";
    const NEURON: &str = "AWS_NEURON_VISIBLE_DEVICES";
    let first = with(&[("a", "one"), ("b", "one")], &[(NVIDIA, "0")], "0.5");
    // It was there before the policy.
    let live = created(&self::gate(), &first);
    let denial = |next: &Value| stored(&gate, TENANT, Some(&live), next).err();
    for (fault, next) in [
        (
            "swaps the template",
            with(&[("a", "one"), ("b", "eight")], &[(NVIDIA, "0")], "0.5"),
        ),
        (
            "adds a claim",
            with(&[("a", "one"), ("b", "one"), ("c", "one")], &[(NVIDIA, "0")], "0.5"),
        ),
        ("shows all devices", with(&[("a", "one")], &[(NVIDIA, "all")], "0.5")),
        ("shows others", with(&[("a", "one")], &[(NEURON, "all")], "0.5")),
        (
            "shows others too",
            with(&[("a", "one")], &[(NVIDIA, "0"), (NEURON, "all")], "0.5"),
        ),
        ("takes a larger part", with(&[("a", "one")], &[(NVIDIA, "0")], "0.9")),
    ] {
        let denial = denial(&next).unwrap_or_else(|| panic!("{fault}: is accepted"));
        assert!(denial.contains("RG321"), "{fault}: {denial}");
    }
    for (change, next) in [
        ("nothing", first.clone()),
        ("takes away a claim", with(&[("b", "one")], &[(NVIDIA, "0")], "0.5")),
        ("takes away the rest", with(&[("b", "one")], &[], "0.5")),
        (
            "adds another variable",
            with(&[("a", "one"), ("b", "one")], &[(NVIDIA, "0"), ("A", "b")], "0.5"),
        ),
    ] {
        assert_eq!(denial(&next), None, "{change}");
    }
}

/// What makes a container violate a Pod Security level may stand in its pod, which the finding does not name.
#[test]
fn a_container_that_loses_a_setting_of_its_pod_is_judged() {
    let gate = gate_with("{match: {}, limits: {podSecurity: restricted}}");
    let with = |context: Value| {
        let mut job = seed("seed-01");
        let pods = [
            "rayClusterSpec/headGroupSpec",
            "rayClusterSpec/workerGroupSpecs/0",
            "submitterPodTemplate",
        ];
        for pod in pods {
            let template = if pod == "submitterPodTemplate" { "" } else { "/template" };
            job.pointer_mut(&format!("/spec/{pod}{template}/spec")).unwrap()["securityContext"] = context.clone();
        }
        job
    };
    let seccomp = json!({"type": "RuntimeDefault"});
    for (before, after) in [
        (json!({"runAsNonRoot": true}), json!({"seccompProfile": seccomp})),
        (
            json!({"runAsNonRoot": true, "seccompProfile": seccomp}),
            json!({"runAsNonRoot": true}),
        ),
        (json!({"runAsNonRoot": true, "seccompProfile": seccomp}), json!({})),
    ] {
        let live = suspended(created(&self::gate(), &with(before)));
        let change = |context: &Value| {
            let mut next = live.clone();
            next["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["securityContext"] = context.clone();
            stored(&gate, TENANT, Some(&live), &next)
        };
        let denial = change(&after).unwrap_err();
        assert!(denial.contains("RG618") || denial.contains("Pod Security"), "{denial}");
        change(&json!({"runAsNonRoot": true, "seccompProfile": seccomp})).unwrap();
    }
}
