//! Each kind of Ray object on its way through the webhooks: created, applied again, edited, suspended, resumed, scaled, and
//! written by controllers.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::engine::compare::says_the_same;
use raygate::json::Tree;
use raygate::k8s::path::Path;
use raygate::policy::load::Source;
use raygate::ray::Kind;
use raygate::ray::kind::{KINDS, RAY_CLUSTER, RAY_CRON_JOB, RAY_JOB, RAY_SERVICE};
use serde_json::{Value, json};

const SEED: &str = include_str!("rayjobs/seed-01-gpu-training.json");
const TENANT: &str = "tenant";
const OPERATOR: &str = "system:serviceaccount:ray-system:kuberay-operator";
const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";
const HEAD_POD: &str = "system:serviceaccount:mlplatform-production:default";

/// The shipped policies and one more, which adds little to what any object has.
const NEWER: &str =
    "{match: {}, priority: 5, defaults: {readiness: Wget, pods: {labels: {team: x}, env: [{name: X, value: y}]}}}";
/// The most that [`object`] may have.
const CAP: &str = "{match: {}, limits: {maxGpusPerJob: 8, maxPodsPerJob: 4}}";

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
    gate_with("{match: {}}")
}

/// A cluster of a head and two workers with four GPUs each, as an object of a kind.
fn object(kind: &Kind) -> Value {
    let mut job: Value = serde_json::from_str(SEED).unwrap();
    job["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    job["metadata"]["name"] = json!("train");
    let group = &mut job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
    for (key, count) in [("replicas", 2), ("minReplicas", 2), ("maxReplicas", 2)] {
        group[key] = count.into();
    }
    let resources = &mut group["template"]["spec"]["containers"][0]["resources"];
    for list in ["requests", "limits"] {
        resources[list] = json!({"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "4"});
    }
    kind.from_job(Tree::of(&job).unwrap().root())
}

fn kind_of(object: &Value) -> &'static Kind {
    Kind::of(Tree::of(object).unwrap().root())
}

fn say_the_same(one: &Value, other: &Value) -> bool {
    says_the_same(Tree::of(one).unwrap().root(), Tree::of(other).unwrap().root())
}

fn at<'v>(object: &'v mut Value, path: &Path) -> &'v mut Value {
    object
        .pointer_mut(&path.pointer())
        .unwrap_or_else(|| panic!("no {path}"))
}

/// The first worker group.
fn group(object: &mut Value) -> &mut Value {
    at(object, &kind_of(object).group_path(0))
}

/// The Ray container of the first worker group.
fn worker(object: &mut Value) -> &mut Value {
    &mut group(object)["template"]["spec"]["containers"][0]
}

fn head(object: &mut Value) -> &mut Value {
    at(object, &kind_of(object).head_path())
}

fn suspended(mut object: Value) -> Value {
    object["spec"]["suspend"] = json!(true);
    object
}

/// As Kueue suspends it.
fn queued(mut object: Value) -> Value {
    if kind_of(&object).is(&RAY_SERVICE) {
        object["spec"]["rayClusterConfig"]["suspend"] = json!(true);
        object
    } else {
        suspended(object)
    }
}

/// With the status that a controller writes when pods run.
fn running(mut object: Value) -> Value {
    object["status"] = json!({"rayClusterName": "train-abcde"});
    object
}

fn review(kind: &Kind, user: &str, old: Option<&Value>, new: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "ray.io", "version": "v1", "kind": kind.name},
            "resource": {"group": "ray.io", "version": "v1", "resource": kind.resource},
            "name": "train",
            "namespace": "mlplatform-production",
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
            "userInfo": {"username": user},
            "object": new,
            "oldObject": old,
        },
    })
    .to_string()
}

fn ask(gate: &Gate, endpoint: Endpoint, user: &str, old: Option<&Value>, new: &Value) -> Value {
    let review = review(kind_of(new), user, old, new);
    let answer = gate.answer(endpoint, review.as_bytes(), Timestamp::UNIX_EPOCH);
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
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
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
    stored(gate, TENANT, None, manifest).unwrap_or_else(|denial| panic!("{}: {denial}", manifest["kind"]))
}

/// The codes that deny an object, with the paths of those in the head and the worker groups, counted from the cluster.
fn denials(gate: &Gate, object: &Value) -> Vec<(String, String)> {
    let kind = kind_of(object);
    let answer = ask(gate, Endpoint::Validate, TENANT, None, object);
    assert_eq!(answer["status"]["details"]["kind"], kind.name, "{answer}");
    let cluster = format!("{}.", kind.cluster_path());
    let causes = answer["status"]["details"]["causes"].as_array().unwrap();
    let below = causes.iter().filter_map(|cause| {
        let field = cause["field"].as_str().unwrap().strip_prefix(&cluster)?;
        let is_pod = ["headGroupSpec", "workerGroupSpecs"]
            .iter()
            .any(|group| field.starts_with(group));
        is_pod.then(|| (cause["reason"].as_str().unwrap().to_owned(), field.to_owned()))
    });
    let mut below: Vec<_> = below.collect();
    below.sort();
    below
}

fn warnings(answer: &Value) -> String {
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings
        .map(|warning| warning.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn one_cluster_in_four_kinds_has_the_same_findings() {
    let gate = gate_with("{match: {}, limits: {maxGpusPerJob: 4, allowedImages: [\"ghcr.io/my-org/**\"]}}");
    let broken = |kind: &Kind| {
        let mut object = object(kind);
        worker(&mut object)["image"] = json!("ghcr.io/my-org/ray:2 46");
        worker(&mut object)["resources"]["limits"]["example.com/fpga"] = json!("500m");
        head(&mut object)["template"]["spec"]["containers"][0]["image"] = json!("docker.io/other/ray:2.46.0");
        object
    };
    let of_job = denials(&gate, &broken(&RAY_JOB));
    let codes: Vec<&str> = of_job.iter().map(|(code, _)| code.as_str()).collect();
    for code in ["RG205", "RG310", "RG601", "RG602"] {
        assert!(codes.contains(&code), "{code} {of_job:#?}");
    }
    for kind in KINDS {
        assert_eq!(denials(&gate, &broken(kind)), of_job, "{}", kind.name);
    }
}

#[test]
fn each_kind_is_completed_and_says_so() {
    for kind in KINDS {
        let made = created(&gate(), &object(kind));
        let applied = made["metadata"]["annotations"]["raygate.dev/applied"].as_str();
        assert!(
            applied.is_some_and(|applied| applied.contains("sharedMemory")),
            "{}",
            kind.name
        );
        let is_set = made.pointer(&kind.job_path().key("ttlSecondsAfterFinished").pointer());
        assert_eq!(is_set.is_some_and(|ttl| *ttl == 300), kind.has_job(), "{}", kind.name);
    }
}

#[test]
fn a_manifest_that_is_applied_again_changes_nothing() {
    for kind in KINDS {
        for manifest in [object(kind), suspended(object(kind)), queued(object(kind))] {
            let live = running(created(&gate(), &manifest));
            for gate in [gate(), gate_with(NEWER)] {
                let again = stored(&gate, TENANT, Some(&live), &running(manifest.clone())).unwrap();
                assert!(say_the_same(&again, &live), "{}\n{again:#}\n{live:#}", kind.name);
            }
        }
    }
}

/// A user suspends and resumes by a patch of `suspend`. What was received before still holds.
#[test]
fn a_manifest_that_is_applied_again_after_a_resume_changes_nothing() {
    for kind in KINDS {
        let gate = gate();
        let live = running(created(&gate, &object(kind)));
        let asleep = stored(&gate, TENANT, Some(&live), &suspended(live.clone())).unwrap();
        for suspend in [None, Some(json!(false))] {
            let mut awake = asleep.clone();
            let spec = awake["spec"].as_object_mut().unwrap();
            match suspend {
                None => drop(spec.remove("suspend")),
                Some(value) => drop(spec.insert("suspend".to_owned(), value)),
            }
            let live = stored(&gate, TENANT, Some(&asleep), &awake).unwrap();
            let again = stored(&gate_with(NEWER), TENANT, Some(&live), &running(object(kind))).unwrap();
            if kind.is_template() {
                // An edit of a template is judged and completed like a creation, and this one is none.
                assert_eq!(
                    again["spec"]["jobTemplate"], live["spec"]["jobTemplate"],
                    "{}",
                    kind.name
                );
            } else {
                assert!(
                    say_the_same(&again["spec"], &without_false(&live["spec"])),
                    "{}\n{again:#}\n{live:#}",
                    kind.name
                );
            }
        }
    }
}

/// A `suspend` that is false says nothing.
fn without_false(spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec.as_object_mut()
        .unwrap()
        .retain(|key, value| key != "suspend" || *value != json!(false));
    spec
}

#[test]
fn an_edit_is_judged_for_what_it_adds_and_completed_where_it_changes_containers() {
    for kind in KINDS {
        let gate = gate();
        let live = running(created(&gate, &object(kind)));
        let mut broken = live.clone();
        worker(&mut broken)["image"] = json!("ray:2 46");
        let denial = stored(&gate, TENANT, Some(&live), &broken).unwrap_err();
        assert!(denial.contains("RG602"), "{} {denial}", kind.name);

        // The author's next manifest: another image of the workers, and nothing of what was filled in.
        let mut manifest = running(object(kind));
        worker(&mut manifest)["image"] = json!("ghcr.io/my-org/ray:next");
        let mut next = stored(&gate, TENANT, Some(&live), &manifest).unwrap();
        let mut live = live;
        assert_eq!(worker(&mut next)["image"], "ghcr.io/my-org/ray:next");
        assert_eq!(
            worker(&mut next)["volumeMounts"],
            worker(&mut live)["volumeMounts"],
            "{}",
            kind.name
        );
        assert_eq!(head(&mut next), head(&mut live), "{}", kind.name);
    }
}

#[test]
fn what_runs_gets_nothing_new() {
    for kind in [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
        let live = running(created(&gate(), &object(kind)));
        let mut edited = live.clone();
        head(&mut edited)["serviceType"] = json!("ClusterIP");
        let newer = gate_with(NEWER);
        let next = stored(&newer, TENANT, Some(&live), &edited).unwrap();
        assert_eq!(next["spec"], edited["spec"], "{}", kind.name);
        // What is suspended takes on all of it.
        let asleep = suspended(live.clone());
        let mut woken = stored(&newer, TENANT, Some(&asleep), &live).unwrap();
        assert_eq!(
            head(&mut woken)["template"]["metadata"]["labels"]["team"],
            "x",
            "{}",
            kind.name
        );
    }
}

#[test]
fn resuming_is_judged_as_a_creation() {
    for kind in [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
        let live = suspended(created(&gate(), &object(kind)));
        let mut resumed = live.clone();
        resumed["spec"]["suspend"] = json!(false);
        let strict = gate_with("{match: {}, limits: {maxGpusPerJob: 4}}");
        let denial = stored(&strict, TENANT, Some(&live), &resumed).unwrap_err();
        assert!(denial.contains("RG310"), "{} {denial}", kind.name);
        // An edit of what stays suspended is not.
        let mut labelled = live.clone();
        labelled["metadata"]["labels"]["team"] = json!("vision");
        stored(&strict, TENANT, Some(&live), &labelled).unwrap();
    }
}

#[test]
fn an_edit_of_a_cron_job_is_judged_as_a_creation() {
    let live = created(&gate(), &object(&RAY_CRON_JOB));
    let strict = gate_with("{match: {}, limits: {maxGpusPerJob: 4}}");
    let mut sooner = live.clone();
    sooner["spec"]["schedule"] = json!("0 2 * * *");
    let denial = stored(&strict, TENANT, Some(&live), &sooner).unwrap_err();
    assert!(denial.contains("RG310"), "{denial}");
    // Whoever suspends it is not held up, and whoever resumes it is.
    let asleep = stored(&strict, TENANT, Some(&live), &suspended(live.clone())).unwrap();
    let denial = stored(&strict, TENANT, Some(&asleep), &live).unwrap_err();
    assert!(denial.contains("RG310"), "{denial}");
    // And completed as one, under the policies of today.
    let newer = stored(&gate_with(NEWER), TENANT, Some(&live), &sooner).unwrap();
    assert!(newer.to_string().contains("\"team\":\"x\""));
    // The operator notes the last schedule in the status, and may drop what is empty.
    assert_eq!(stored(&strict, OPERATOR, Some(&live), &sooner).unwrap(), sooner);
}

#[test]
fn the_job_of_a_cron_job_is_judged_and_completed() {
    let cron = created(&gate(), &object(&RAY_CRON_JOB));
    let mut job = json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": "train-29412345", "namespace": "mlplatform-production",
            "labels": {"ray.io/cronjob-name": "train"},
            "ownerReferences": [{"apiVersion": "ray.io/v1", "kind": "RayCronJob", "name": "train", "uid": "1", "controller": true}]},
        "spec": object(&RAY_CRON_JOB)["spec"]["jobTemplate"],
    });
    let made = stored(&gate(), OPERATOR, None, &job).unwrap();
    assert!(say_the_same(&made["spec"], &cron["spec"]["jobTemplate"]));
    worker(&mut job)["image"] = json!("ray:2 46");
    assert!(stored(&gate(), OPERATOR, None, &job).unwrap_err().contains("RG602"));
    let named = "{match: {when: \"job.cronJob == 'train' && job.kind == 'RayJob'\"}, limits: {maxGpusPerJob: 4}}";
    assert!(
        stored(&gate_with(named), OPERATOR, None, &job)
            .unwrap_err()
            .contains("RG310")
    );
}

#[test]
fn what_is_written_is_what_gos_client_would_write() {
    for kind in KINDS {
        let mut manifest = object(kind);
        let resources = &mut worker(&mut manifest)["resources"];
        *resources =
            json!({"requests": {"cpu": 8, "memory": "1024Mi", "nvidia.com/gpu": 4}, "limits": {"cpu": "500m"}});
        let mut made = created(&gate(), &manifest);
        let limits = &worker(&mut made)["resources"]["limits"];
        assert_eq!(
            (&limits["cpu"], &limits["nvidia.com/gpu"]),
            (&json!("8"), &json!("4")),
            "{limits}"
        );
    }
}

#[test]
fn a_refused_controller_is_counted() {
    let gate = gate_with("{match: {}, limits: {maxGpusPerJob: 4}}");
    for (user, controller) in [(OPERATOR, Some("operator")), (KUEUE, Some("queue")), (TENANT, None)] {
        let review = review(&RAY_JOB, user, None, &object(&RAY_JOB));
        let answer = gate.answer(Endpoint::Validate, review.as_bytes(), Timestamp::UNIX_EPOCH);
        assert_eq!(answer.record.verdict, "denied");
        let refused = answer.record.refused_controller.as_ref();
        assert_eq!(
            refused.map(|(controller, user)| (*controller, &**user)),
            controller.map(|controller| (controller, user))
        );
        assert_eq!(answer.record.kind, "RayJob");
    }
}

#[test]
fn the_operator_makes_clusters_of_what_was_judged() {
    let gate = gate_with("{match: {}, limits: {maxGpusPerJob: 4}}");
    let cluster = object(&RAY_CLUSTER);
    assert_eq!(stored(&gate, OPERATOR, None, &cluster).unwrap(), cluster);
    // An owner reference alone is no proof.
    for owners in [
        json!([{"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "nobody", "uid": "1", "controller": true}]),
        json!([{"kind": "RayJob", "name": "a", "uid": "1"}, {"kind": "RayService", "name": "b", "uid": "2"}]),
        json!("RayJob"),
    ] {
        let mut owned = cluster.clone();
        owned["metadata"]["ownerReferences"] = owners;
        assert!(stored(&gate, TENANT, None, &owned).unwrap_err().contains("RG310"));
    }
    for kind in [&RAY_JOB, &RAY_SERVICE, &RAY_CRON_JOB] {
        assert!(
            stored(&gate, OPERATOR, None, &object(kind))
                .unwrap_err()
                .contains("RG310")
        );
    }
    for kind in KINDS {
        let live = object(kind);
        let mut edited = live.clone();
        group(&mut edited)["replicas"] = json!(64);
        assert_eq!(stored(&gate, OPERATOR, Some(&live), &edited).unwrap(), edited);
    }
}

#[test]
fn the_autoscaler_scales_within_the_limits() {
    let gate = gate_with(CAP);
    let scaled = |from: &Value, to: u64| {
        let mut scaled = from.clone();
        group(&mut scaled)["replicas"] = to.into();
        group(&mut scaled)["scaleStrategy"] = json!({"workersToDelete": ["train-worker-a"]});
        scaled
    };
    let mut manifest = object(&RAY_CLUSTER);
    manifest["spec"]["enableInTreeAutoscaling"] = json!(true);
    let live = created(&gate, &manifest);
    for user in [HEAD_POD, TENANT] {
        let next = scaled(&live, 64);
        for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
            let answer = ask(&gate, endpoint, user, Some(&live), &next);
            assert_eq!(
                (&answer["allowed"], answer.get("patch")),
                (&json!(true), None),
                "{answer}"
            );
        }
    }
    // Anything else of it is an edit like any other: the bound, too.
    let mut raised = scaled(&live, 2);
    group(&mut raised)["maxReplicas"] = json!(64);
    assert!(
        stored(&gate, HEAD_POD, Some(&live), &raised)
            .unwrap_err()
            .contains("RG310")
    );
    // Without the autoscaler nothing bounds the replicas.
    let fixed = created(&gate, &object(&RAY_CLUSTER));
    let mut grown = scaled(&fixed, 64);
    group(&mut grown)["maxReplicas"] = json!(64);
    assert!(
        stored(&gate, HEAD_POD, Some(&fixed), &grown)
            .unwrap_err()
            .contains("RG310")
    );
    // And a bound that is missing is KubeRay's own, which is above every limit.
    for bounds in [json!(null), json!(1 << 20)] {
        group(&mut manifest)["maxReplicas"] = bounds;
        assert!(stored(&gate, TENANT, None, &manifest).unwrap_err().contains("RG310"));
    }
    // A minimum above the maximum is what KubeRay builds.
    group(&mut manifest)["maxReplicas"] = json!(1);
    group(&mut manifest)["minReplicas"] = json!(64);
    assert!(stored(&gate, TENANT, None, &manifest).unwrap_err().contains("RG310"));
}

#[test]
fn kueue_suspends_and_resumes() {
    for kind in [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
        let gate = gate_with("{match: {}, priority: 1, force: {head: {labels: {cost: a}}}}");
        let live = created(&gate, &object(kind));
        let waiting = queued(live.clone());
        assert_eq!(stored(&gate, KUEUE, Some(&live), &waiting).unwrap(), waiting);
        let mut admitted = live.clone();
        let template = &mut group(&mut admitted)["template"];
        template["spec"]["nodeSelector"] = json!({"flavor": "a100"});
        template["spec"]["tolerations"] = json!([{"key": "spot", "operator": "Exists"}]);
        template["spec"]["schedulingGates"] = json!([{"name": "kueue.x-k8s.io/topology"}]);
        template["metadata"]["labels"]["kueue.x-k8s.io/podset"] = json!("workers");
        assert_eq!(
            stored(&gate, KUEUE, Some(&waiting), &admitted).unwrap(),
            admitted,
            "{}",
            kind.name
        );
        // It may not bring anything else.
        let mut broken = admitted.clone();
        worker(&mut broken)["image"] = json!("ray:2 46");
        assert!(
            stored(&gate, KUEUE, Some(&waiting), &broken)
                .unwrap_err()
                .contains("RG602")
        );
    }
}

#[test]
fn a_service_keeps_kuberays_check_of_its_workers() {
    for (kind, probed) in KINDS.map(|kind| (kind, !kind.is(&RAY_SERVICE))) {
        let mut made = created(&gate(), &object(kind));
        assert_eq!(
            worker(&mut made).get("readinessProbe").is_some(),
            probed,
            "{}",
            kind.name
        );
        let ray = &head(&mut made)["template"]["spec"]["containers"][0];
        assert!(ray.get("readinessProbe").is_some(), "{}", kind.name);
    }
    let mut made = created(
        &gate_with("{match: {}, priority: 1, defaults: {readiness: Wget}}"),
        &object(&RAY_SERVICE),
    );
    assert!(worker(&mut made)["volumeMounts"].to_string().contains("raygate-wget"));
    assert!(worker(&mut made).get("readinessProbe").is_none());
}

#[test]
fn an_update_that_replaces_running_pods_says_how_many() {
    let gate = gate();
    let live = created(&gate, &object(&RAY_SERVICE));
    let warned = |live: &Value, change: &dyn Fn(&mut Value)| {
        let mut next = live.clone();
        change(&mut next);
        let answer = ask(&gate, Endpoint::Validate, TENANT, Some(live), &next);
        assert_eq!(answer["allowed"], true, "{answer}");
        warnings(&answer)
    };
    let image = |object: &mut Value| worker(object)["image"] = json!("ghcr.io/my-org/ray:next");
    let text = warned(&live, &image);
    let told = "this change starts a second cluster of 3 pods and 8 GPUs; the first one is deleted 60 seconds after the switch [RG002]";
    assert!(text.contains(told), "{text}");
    for (delay, told) in [
        (0, "is deleted after the switch ["),
        (1, "is deleted 1 second after the switch ["),
    ] {
        let mut live = live.clone();
        live["spec"]["rayClusterDeletionDelaySeconds"] = json!(delay);
        let text = warned(&live, &image);
        assert!(text.contains(told), "{text}");
    }
    let mut queued = live.clone();
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "gpu"});
    let text = warned(&queued, &image);
    let told = "Kueue suspends the service after this change and never starts it again; its first cluster of 3 pods and 8 GPUs keeps";
    assert!(text.contains(told), "{text}");
    // Kueue compares containers only, and not those of elastic services.
    let account = |object: &mut Value| group(object)["template"]["spec"]["serviceAccountName"] = json!("other");
    let mut elastic = queued.clone();
    elastic["metadata"]["annotations"] = json!({"kueue.x-k8s.io/elastic-job": "true"});
    for text in [warned(&queued, &account), warned(&elastic, &image)] {
        assert!(text.contains("starts a second cluster of 3 pods"), "{text}");
    }
    let mut gradual = live.clone();
    gradual["spec"]["upgradeStrategy"] = json!({"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions":
        {"stepSizePercent": 10, "intervalSeconds": 30, "maxSurgePercent": 100, "gatewayClassName": "istio"}});
    gradual["spec"]["rayClusterConfig"]["enableInTreeAutoscaling"] = json!(true);
    group(&mut gradual)["maxReplicas"] = json!(5);
    let text = warned(&gradual, &image);
    let told = "this change starts a second cluster, which grows to at most 6 pods and 20 GPUs;";
    assert!(text.contains(told), "{text}");
    let quiet: [&dyn Fn(&mut Value); 5] = [
        &|object| object["spec"]["serveConfigV2"] = json!("applications: []"),
        &|object| group(object)["maxReplicas"] = json!(3),
        &|object| group(object)["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]),
        &|object| {
            let mut more = group(object).clone();
            more["groupName"] = json!("more");
            let groups = at(object, &RAY_SERVICE.groups_path());
            groups.as_array_mut().unwrap().push(more);
        },
        &|object| worker(object)["resources"]["limits"]["memory"] = json!("32768Mi"),
    ];
    for (position, change) in quiet.iter().enumerate() {
        let text = warned(&live, *change);
        assert!(!text.contains("RG002"), "{position} {text}");
    }
    let mut never = live.clone();
    never["spec"]["upgradeStrategy"] = json!({"type": "None"});
    for live in [never, suspended(live)] {
        assert!(!warned(&live, &image).contains("RG002"));
    }
    let mut cluster = created(&gate, &object(&RAY_CLUSTER));
    assert!(!warned(&cluster, &image).contains("RG002"));
    cluster["spec"]["upgradeStrategy"] = json!({"type": "Recreate"});
    let text = warned(&cluster, &image);
    let told = "this change deletes all pods of the cluster, and KubeRay starts 3 pods and 8 GPUs again [RG002]";
    assert!(text.contains(told), "{text}");
    let toleration = |object: &mut Value| {
        group(object)["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    };
    assert!(!warned(&cluster, &toleration).contains("RG002"));
    assert!(!warned(&suspended(cluster), &image).contains("RG002"));
}

#[test]
fn a_policy_can_roll_what_runs() {
    let rolling = gate_with(&NEWER.replace("match: {}", "match: {}, roll: true"));
    for kind in KINDS {
        let live = running(created(&gate(), &object(kind)));
        let manifest = running(object(kind));
        let again = stored(&rolling, TENANT, Some(&live), &manifest).unwrap();
        let rolls = matches!(kind.name, "RayCluster" | "RayService");
        assert_eq!(again.to_string().contains("\"team\":\"x\""), rolls, "{}", kind.name);
        // Once is enough.
        let once_more = stored(&rolling, TENANT, Some(&again), &manifest).unwrap();
        assert!(say_the_same(&once_more, &again), "{}", kind.name);
    }
}

#[test]
fn a_policy_can_be_for_some_kinds() {
    let gate = gate_with("{match: {kinds: [RayCluster, RayService]}, limits: {maxGpusPerJob: 4}}");
    for kind in KINDS {
        let is_denied = stored(&gate, TENANT, None, &object(kind)).is_err();
        assert_eq!(
            is_denied,
            matches!(kind.name, "RayCluster" | "RayService"),
            "{}",
            kind.name
        );
    }
}

#[test]
fn a_selected_cluster_is_seen_by_no_limit() {
    let mut job = object(&RAY_JOB);
    job["spec"]["clusterSelector"] = json!({"ray.io/cluster": "shared"});
    job["spec"].as_object_mut().unwrap().remove("rayClusterSpec");
    let says = |gate: &Gate| {
        let made = mutated(gate, TENANT, None, &job);
        let answer = ask(gate, Endpoint::Validate, TENANT, None, &made);
        (answer["allowed"] == true, warnings(&answer).contains("[RG722]"))
    };
    assert_eq!(says(&gate()), (true, false));
    assert_eq!(says(&gate_with(CAP)), (true, true));
    assert_eq!(
        says(&gate_with(
            "{match: {}, limits: {clusterSelector: Allow, maxGpusPerJob: 8}}"
        )),
        (true, true)
    );
    let forbidden = gate_with("{match: {}, limits: {clusterSelector: Forbid}}");
    assert_eq!(says(&forbidden), (false, false));
    created(&forbidden, &object(&RAY_JOB));
}

#[test]
fn the_kind_of_a_review_and_of_its_objects_must_agree() {
    let gate = gate_with("{match: {}, limits: {maxGpusPerJob: 4}}");
    let status = |review: &str| {
        let answer = gate.answer(Endpoint::Validate, review.as_bytes(), Timestamp::UNIX_EPOCH);
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body["response"]["allowed"].clone())
    };
    for kind in KINDS {
        for other in KINDS.into_iter().filter(|other| other.name != kind.name) {
            assert_eq!(status(&review(kind, TENANT, None, &object(other))).0, 400);
            let mixed = review(kind, TENANT, Some(&object(other)), &object(kind));
            assert_eq!(status(&mixed).0, 400, "{} {}", kind.name, other.name);
        }
        for forged in [json!(null), json!("Pod"), json!(7), json!(["RayJob"])] {
            let mut object = object(kind);
            object["kind"] = forged;
            assert_eq!(status(&review(kind, TENANT, None, &object)).0, 400);
        }
    }
    // What is unknown is not denied.
    let unknown = review(&RAY_JOB, TENANT, None, &object(&RAY_JOB)).replace("RayJob", "RayTune");
    assert_eq!(status(&unknown), (200, json!(true)));
}

/// The warnings about a RayCronJob that is created or edited.
fn told_of(gate: &Gate, cron: &Value) -> String {
    let made = mutated(gate, TENANT, None, cron);
    let answer = ask(gate, Endpoint::Validate, TENANT, None, &made);
    assert_eq!(answer["allowed"], true, "{answer}");
    warnings(&answer)
}

/// The RayJobs of a RayCronJob come from KubeRay's operator, so an exemption of its author is none for them.
#[test]
fn a_cron_job_says_that_its_jobs_will_be_denied() {
    let capped = |exempt: &str| {
        let text = format!(
            "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: own}}\n\
             spec: {{match: {{}}, limits: {{maxGpusPerJob: 4}}, allowSkip: [readiness]}}\n---\n\
             apiVersion: raygate.dev/v1beta1\nkind: Exemption\nmetadata: {{name: mine}}\n\
             spec: {{match: {exempt}, raise: {{maxGpusPerJob: 8}}, owner: a, reason: b, expires: 2026-12-31}}\n"
        );
        let sources = [Source::new("a", EMBEDDED[0].1), Source::new("b", &text)];
        let loaded = raygate::policy::load(&sources, &known());
        assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
        Gate::new(Bundle::new(loaded.set))
    };
    let cron = object(&RAY_CRON_JOB);
    let mine = capped("{users: [tenant]}");
    let told = told_of(&mine, &cron);
    assert!(
        told.contains("its RayJobs will be denied: ") && told.contains("[RG310]"),
        "{told}"
    );
    // That is what happens.
    let job = json!({
        "apiVersion": "ray.io/v1", "kind": "RayJob",
        "metadata": {"name": "train-29412345", "namespace": "mlplatform-production", "labels": {"ray.io/cronjob-name": "train"}},
        "spec": cron["spec"]["jobTemplate"],
    });
    assert!(stored(&mine, OPERATOR, None, &job).unwrap_err().contains("RG310"));
    // An exemption of the namespace is for both.
    let ours = capped("{namespaces: [mlplatform-production]}");
    assert!(
        !told_of(&ours, &cron).contains("will be denied"),
        "{}",
        told_of(&ours, &cron)
    );
    stored(&ours, OPERATOR, None, &job).unwrap();
    // An edit says it again, and what denies the RayCronJob itself is said once.
    let live = created(&mine, &cron);
    let mut edited = live.clone();
    edited["spec"]["schedule"] = json!("0 4 * * *");
    let answer = ask(&mine, Endpoint::Validate, TENANT, Some(&live), &edited);
    assert!(warnings(&answer).contains("will be denied"), "{answer}");
    let denied = ask(&mine, Endpoint::Validate, "other", None, &live);
    assert_eq!(denied["allowed"], false);
    assert!(!denied.to_string().contains("will be denied"), "{denied}");
}

#[test]
fn a_cron_job_says_what_its_jobs_do_not_get() {
    let mut cron = object(&RAY_CRON_JOB);
    cron["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "gpus", "team": "vision"});
    cron["metadata"]["annotations"] = json!({"raygate.dev/skip": "readiness", "example.com/a": "b"});
    let told = told_of(&gate(), &cron);
    for text in [
        "label `kueue.x-k8s.io/queue-name` of the RayCronJob: its RayJobs do not get it",
        "annotation `raygate.dev/skip` of the RayCronJob: its RayJobs do not get it",
    ] {
        assert!(told.contains(text), "{text}\n{told}");
    }
    assert!(!told.contains("team") && !told.contains("example.com"), "{told}");
    // A policy gives them the same.
    let queued = gate_with("{match: {}, defaults: {job: {labels: {kueue.x-k8s.io/queue-name: gpus}}}}");
    let told = told_of(&queued, &cron);
    assert!(!told.contains("queue-name"), "{told}");
    // Many are counted.
    for at in 0..40 {
        cron["metadata"]["labels"][format!("ray.io/l{at:02}")] = json!("x");
    }
    assert!(
        told_of(&gate(), &cron).contains("(and 36 more) of the RayCronJob"),
        "{}",
        told_of(&gate(), &cron)
    );
}

#[test]
fn a_cron_job_that_nobody_submits_is_reported() {
    let mut cron = object(&RAY_CRON_JOB);
    cron["metadata"].as_object_mut().unwrap().remove("labels");
    cron["spec"]["jobTemplate"]["submissionMode"] = json!("InteractiveMode");
    cron["spec"]["jobTemplate"]
        .as_object_mut()
        .unwrap()
        .remove("backoffLimit");
    let told = told_of(&gate(), &cron);
    assert!(
        told.contains("waits until a user sets its jobId") && told.contains("[RG713]"),
        "{told}"
    );
}

/// A policy that the object comes under by an edit counts as if it had always been for it: whoever grows, or changes a label, is
/// judged by what the object was before, not by what that policy would have said of it.
#[test]
fn an_edit_that_brings_a_policy_is_judged_by_it() {
    let by_size = "{match: {when: job.gpus > 8}, rules: [{name: owner, require: has(object.metadata.labels.owner), message: no owner}]}";
    let by_label = "{match: {domains: [staging]}, actions: {RG606: Deny}, limits: {maxGpusPerJob: 4}}";
    for kind in [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
        let live = created(&gate_with(by_size), &object(kind));
        for live in [running(live.clone()), suspended(live)] {
            let mut grown = live.clone();
            for key in ["replicas", "minReplicas", "maxReplicas"] {
                group(&mut grown)[key] = json!(3);
            }
            let denial = stored(&gate_with(by_size), TENANT, Some(&live), &grown).unwrap_err();
            assert!(denial.contains("no owner"), "{} {denial}", kind.name);
        }
        let mut privileged = object(kind);
        worker(&mut privileged)["securityContext"] = json!({"privileged": true});
        let live = created(&gate_with(by_label), &privileged);
        for live in [running(live.clone()), suspended(live)] {
            let mut moved = live.clone();
            moved["metadata"]["labels"]["domain"] = json!("staging");
            let denial = stored(&gate_with(by_label), TENANT, Some(&live), &moved).unwrap_err();
            assert!(
                denial.contains("RG310") && denial.contains("RG606"),
                "{} {denial}",
                kind.name
            );
        }
    }
}

/// An edit of labels alone adds nothing of newer policies that might deny the object, and is not judged as a creation.
#[test]
fn a_label_is_never_refused_for_newer_policies() {
    let newer = gate_with(
        "{match: {}, defaults: {job: {labels: {kueue.x-k8s.io/queue-name: gpus}}}, force: {head: {serviceType: ClusterIP}}, \
         actions: {RG709: Deny, RG609: Deny}, limits: {maxGpusPerJob: 4}}",
    );
    for kind in KINDS {
        let mut manifest = object(kind);
        at(&mut manifest, &kind.cluster_path())["enableInTreeAutoscaling"] = json!(true);
        let live = created(&gate(), &manifest);
        for live in [live.clone(), running(live.clone()), suspended(live)] {
            let mut labelled = live.clone();
            labelled["metadata"]["labels"]["team"] = json!("vision");
            let after = stored(&newer, TENANT, Some(&live), &labelled).unwrap();
            assert_eq!(after["spec"], labelled["spec"], "{}", kind.name);
            assert_eq!(
                after["metadata"]["labels"], labelled["metadata"]["labels"],
                "{}",
                kind.name
            );
        }
    }
}

/// A forced value that the stored object lacks for its age leaves the others of its group in force.
#[test]
fn one_forced_value_that_is_missing_frees_no_other() {
    let older = gate_with("{match: {}, force: {head: {serviceType: ClusterIP}}}");
    let newer = gate_with("{match: {}, force: {head: {serviceType: ClusterIP}, pods: {nodeSelector: {pool: batch}}}}");
    for kind in [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE] {
        let live = running(created(&older, &object(kind)));
        let mut edited = live.clone();
        head(&mut edited)["serviceType"] = json!("LoadBalancer");
        let mut after = stored(&newer, TENANT, Some(&live), &edited).unwrap();
        assert_eq!(head(&mut after)["serviceType"], "ClusterIP", "{}", kind.name);
        let answer = ask(&newer, Endpoint::Validate, TENANT, Some(&live), &edited);
        assert_eq!(answer["allowed"], false, "{}", kind.name);
    }
}
