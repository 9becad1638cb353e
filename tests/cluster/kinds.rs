//! All four kinds in a real API server: what comes to raygate, what raygate does, and what works without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use raygate::ray::kind::{KINDS, Kind, RAY_CLUSTER, RAY_CRON_JOB, RAY_JOB, RAY_SERVICE};
use serde_json::{Value, json};

use crate::api::ApplyYaml;
use crate::cluster::{Cluster, NAMESPACE, object_path, objects_path};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate, Hook, run};
use crate::kubectl::kubectl;
use crate::outage::assert_unreachable;
use crate::rayjobs::{as_kind, groups, groups_mut, load, name, named, with_duplicate_group_of};
use crate::reach::{KUEUE, OPERATOR, reviews, user};

/// The account of a head pod, as which Ray's autoscaler writes.
const HEAD: &str = "system:serviceaccount:mlplatform-production:train-head";

/// A seed that raygate completes and that has two worker groups.
const SEED: &str = "seed-02";

fn seed(kind: &Kind) -> Value {
    as_kind(kind, &load(SEED))
}

/// Stores an object, and returns its path.
#[track_caller]
fn create(cluster: &Cluster, kind: &Kind, object: &Value) -> String {
    cluster.api.post(&objects_path(kind), object).expect(201);
    object_path(kind, name(object))
}

/// The path of a field of the cluster in a JSON Patch.
fn pointer(kind: &Kind, below: &str) -> String {
    let cluster = kind.cluster_path().to_string().replace('.', "/");
    format!("/{cluster}/{below}")
}

fn replace(kind: &Kind, below: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": pointer(kind, below), "value": value}])
}

/// The field by which Kueue suspends an object of this kind.
fn suspend(kind: &Kind, is_suspended: bool) -> Value {
    match kind.name {
        "RayService" => json!({"spec": {"rayClusterConfig": {"suspend": is_suspended}}}),
        _ => json!({"spec": {"suspend": is_suspended}}),
    }
}

pub(crate) fn each_kind_is_completed_and_judged(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    for kind in KINDS {
        let created = cluster.api.post(&objects_path(kind), &seed(kind)).expect(201);
        assert!(
            created["metadata"]["annotations"][APPLIED].is_string(),
            "{}: {:#}",
            kind.name,
            created["metadata"]
        );
        let worker = &groups(kind, &created)[0]["template"]["spec"];
        assert!(worker["tolerations"].is_array(), "{}: {worker:#}", kind.name);
        // KubeRay adds a probe of Serve's proxy to the workers of a RayService, unless they have one.
        assert_eq!(
            worker["containers"][0]["readinessProbe"].is_null(),
            kind.name == RAY_SERVICE.name,
            "{}",
            kind.name
        );
        let bad = with_duplicate_group_of(kind, named(seed(kind), "bad"));
        let refused = cluster.api.post(&objects_path(kind), &bad);
        assert_denied(&refused);
        let field = refused.body["details"]["causes"][0]["field"]
            .as_str()
            .unwrap_or_default();
        assert!(
            field.starts_with(&kind.groups_path().to_string()),
            "{}: {field}",
            kind.name
        );
        assert_eq!(cluster.api.get(&object_path(kind, "bad")).code, 404);
    }
}

pub(crate) fn a_file_applied_again_changes_nothing(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    for kind in KINDS {
        let object = seed(kind);
        let path = object_path(kind, name(&object));
        let apply = |code| {
            cluster
                .api
                .apply_yaml(&path, &object.to_string(), ApplyYaml::Store)
                .expect(code)
        };
        let first = apply(201);
        let again = apply(200);
        assert_eq!(again["spec"], first["spec"], "{}", kind.name);
        assert_eq!(
            again["metadata"]["generation"], first["metadata"]["generation"],
            "{}",
            kind.name
        );
        let annotations = |object: &Value| object["metadata"]["annotations"].clone();
        assert_eq!(annotations(&again), annotations(&first), "{}", kind.name);
    }
}

pub(crate) fn kubectl_applies_the_same_file_again(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    let _gate = Gate::open(cluster);
    let file = cluster.folder().join("applied-kind.json");
    for kind in KINDS {
        for server_side in [false, true] {
            let object = seed(kind);
            fs::write(&file, object.to_string()).expect("write an object");
            let run = |verb: &str| {
                let mut command = Command::new(&kubectl);
                command.arg(verb).arg("--kubeconfig").arg(cluster.kubeconfig());
                command.arg("--filename").arg(&file);
                if server_side {
                    command.arg("--server-side");
                }
                let output = command.output().expect("run kubectl");
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}: {verb}: {text}{errors}", kind.name);
                text
            };
            run("apply");
            let path = object_path(kind, name(&object));
            let first = cluster.api.get(&path).expect(200);
            assert_eq!(run("diff"), "", "{}, server side: {server_side}", kind.name);
            run("apply");
            let again = cluster.api.get(&path).expect(200);
            assert_eq!(again["spec"], first["spec"], "{}", kind.name);
            assert_eq!(
                again["metadata"]["generation"], first["metadata"]["generation"],
                "{}, server side: {server_side}",
                kind.name
            );
            cluster.api.delete(&path).expect(200);
        }
    }
}

/// Argo CD with server-side diff, and Flux, compare the live object with what a dry run of an apply would store.
pub(crate) fn gitops_tools_see_no_difference(cluster: &Cluster) {
    let Some(kubectl) = kubectl() else { return };
    let _gate = Gate::open(cluster);
    let file = cluster.folder().join("gitops.json");
    let argo = &[
        "--server-side",
        "--force-conflicts",
        "--field-manager",
        "argocd-controller",
    ][..];
    let flux = &[
        "--server-side",
        "--force-conflicts",
        "--field-manager",
        "kustomize-controller",
    ][..];
    // Argo CD synchronizes with a client-side apply unless it is told otherwise.
    for (sync, compare) in [(&[][..], argo), (argo, argo), (flux, flux)] {
        for kind in KINDS {
            let object = seed(kind);
            fs::write(&file, object.to_string()).expect("write an object");
            let apply = |arguments: &[&str]| {
                let mut command = Command::new(&kubectl);
                command.args(["apply", "--output", "json", "--kubeconfig"]);
                command
                    .arg(cluster.kubeconfig())
                    .arg("--filename")
                    .arg(&file)
                    .args(arguments);
                serde_json::from_str::<Value>(&run(&mut command)).expect("an object in JSON")
            };
            let live = apply(sync);
            let predicted = apply(&[compare, &["--dry-run=server"]].concat());
            for field in ["labels", "annotations", "generation"] {
                assert_eq!(
                    predicted["metadata"][field], live["metadata"][field],
                    "{}: {field}",
                    kind.name
                );
            }
            assert_eq!(predicted["spec"], live["spec"], "{}", kind.name);
            cluster.api.delete(&object_path(kind, name(&object))).expect(200);
        }
    }
}

/// What an author suspends and resumes is judged each time, and is afterwards what it was.
pub(crate) fn an_object_is_suspended_and_resumed(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    for kind in KINDS {
        let path = create(cluster, kind, &seed(kind));
        let first = cluster.api.get(&path).expect(200);
        assert_ne!(
            reviews(&gate, &cluster.api, &path, &suspend(kind, true)),
            0,
            "{}",
            kind.name
        );
        assert_ne!(
            reviews(&gate, &cluster.api, &path, &suspend(kind, false)),
            0,
            "{}",
            kind.name
        );
        let resumed = cluster.api.get(&path).expect(200);
        assert_eq!(groups(kind, &resumed), groups(kind, &first), "{}", kind.name);
    }
    gate.kill();
    for kind in KINDS {
        let path = object_path(kind, name(&load(SEED)));
        assert_unreachable(&cluster.api.merge_patch(&path, &suspend(kind, true)));
    }
}

pub(crate) fn a_change_of_a_service_starts_a_second_cluster(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let kind = &RAY_SERVICE;
    let path = create(cluster, kind, &seed(kind));
    let before = cluster.api.get(&path).expect(200);
    let scaled = cluster
        .api
        .json_patch(&path, &replace(kind, "workerGroupSpecs/0/replicas", json!(2)));
    assert_eq!(scaled.code, 200, "{scaled}");
    assert!(
        !scaled.warnings.iter().any(|text| text.contains("second cluster")),
        "{scaled}"
    );
    let image = json!("rayproject/ray:2.52.0");
    let below = "headGroupSpec/template/spec/containers/0/image";
    let upgraded = cluster.api.json_patch(&path, &replace(kind, below, image.clone()));
    assert_eq!(upgraded.code, 200, "{upgraded}");
    assert!(
        upgraded.warnings.iter().any(|text| text.contains("second cluster")),
        "{upgraded}"
    );
    assert_eq!(
        upgraded.body.pointer(&kind.head_path().pointer()).expect("a head")["template"]["spec"]["containers"][0]["image"],
        image
    );
    // The author changed the head. Nobody changes the workers.
    assert_eq!(groups(kind, &upgraded.body)[1], groups(kind, &before)[1]);
}

pub(crate) fn writes_that_need_no_answer_do_not_come(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let finalizers = json!({"metadata": {"finalizers": ["tests.dev/a"]}});
    for kind in KINDS {
        let path = create(cluster, kind, &seed(kind));
        assert_eq!(reviews(&gate, &cluster.api, &path, &finalizers), 0, "{}", kind.name);
        let status = json!({"status": {"observedGeneration": 1}});
        assert_eq!(
            reviews(&gate, &cluster.api, &format!("{path}/status"), &status),
            0,
            "{}",
            kind.name
        );
        let label = json!({"metadata": {"labels": {"team": "other"}}});
        assert_ne!(reviews(&gate, &cluster.api, &path, &label), 0, "{}", kind.name);
    }
    gate.kill();
    for kind in KINDS {
        let path = object_path(kind, name(&load(SEED)));
        cluster
            .api
            .merge_patch(&path, &json!({"metadata": {"finalizers": null}}))
            .expect(200);
        cluster.api.delete(&path).expect(200);
        assert_unreachable(&cluster.api.post(&objects_path(kind), &seed(kind)));
    }
}

/// The operator creates RayClusters from what raygate has judged, and RayJobs from a schedule.
pub(crate) fn the_operator_needs_no_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let operator = user(cluster, OPERATOR);
    let child = |name: &str| {
        let mut child = named(seed(&RAY_CLUSTER), name);
        let owner = json!({"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "a", "uid": "0", "controller": true});
        child["metadata"]["ownerReferences"] = json!([owner]);
        child
    };
    let before = gate.reviews();
    let created = operator
        .post(&objects_path(&RAY_CLUSTER), &child("by-the-operator"))
        .expect(201);
    assert!(
        created["metadata"]["annotations"][APPLIED].is_null(),
        "{:#}",
        created["metadata"]
    );
    assert_eq!(gate.reviews(), before);
    // An owner proves nothing: whoever writes the object names it.
    cluster
        .api
        .post(&objects_path(&RAY_CLUSTER), &child("by-someone-else"))
        .expect(201);
    assert_ne!(gate.reviews(), before);
    for kind in [&RAY_JOB, &RAY_SERVICE, &RAY_CRON_JOB] {
        let before = gate.reviews();
        operator.post(&objects_path(kind), &seed(kind)).expect(201);
        assert_ne!(gate.reviews(), before, "{}", kind.name);
    }
    create(cluster, &RAY_CLUSTER, &seed(&RAY_CLUSTER));
    gate.kill();
    operator
        .post(&objects_path(&RAY_CLUSTER), &child("without-raygate"))
        .expect(201);
    for kind in KINDS {
        let path = object_path(kind, name(&load(SEED)));
        let patch = json!({"metadata": {"annotations": {"ray.io/seen": "yes"}, "finalizers": ["ray.io/a"]}});
        operator.merge_patch(&path, &patch).expect(200);
        operator.merge_patch(&path, &suspend(kind, true)).expect(200);
    }
    assert_unreachable(&operator.post(&objects_path(&RAY_JOB), &named(seed(&RAY_JOB), "other")));
}

/// Kueue takes back the quota of a running object at any time, and restores what it had written in the same patch.
pub(crate) fn a_queue_suspends_each_kind_without_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let kueue = user(cluster, KUEUE);
    let kinds = [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE];
    for kind in kinds {
        let path = create(cluster, kind, &seed(kind));
        assert_eq!(reviews(&gate, &kueue, &path, &suspend(kind, true)), 0, "{}", kind.name);
        assert_ne!(
            reviews(&gate, &kueue, &path, &suspend(kind, false)),
            0,
            "{}: a resume",
            kind.name
        );
        assert_eq!(reviews(&gate, &kueue, &path, &suspend(kind, true)), 0, "{}", kind.name);
        let label = json!({"metadata": {"labels": {"team": "other"}}});
        assert_ne!(
            reviews(&gate, &kueue, &path, &label),
            0,
            "{}: it is suspended already",
            kind.name
        );
        assert_ne!(reviews(&gate, &kueue, &path, &suspend(kind, false)), 0, "{}", kind.name);
    }
    gate.kill();
    for kind in kinds {
        let path = object_path(kind, name(&load(SEED)));
        kueue.merge_patch(&path, &suspend(kind, true)).expect(200);
        assert_unreachable(&kueue.merge_patch(&path, &suspend(kind, false)));
    }
}

fn autoscaled(kind: &Kind) -> Value {
    let mut job = load(SEED);
    job["spec"]["rayClusterSpec"]["enableInTreeAutoscaling"] = json!(true);
    as_kind(kind, &job)
}

/// Replicas and the workers to delete, as Ray's autoscaler patches them: one group of many, in one JSON Patch.
fn scaling(kind: &Kind, group: usize, replicas: u32) -> Value {
    let field = |name: &str| pointer(kind, &format!("workerGroupSpecs/{group}/{name}"));
    json!([
        {"op": "replace", "path": field("replicas"), "value": replicas},
        {"op": "add", "path": field("scaleStrategy"), "value": {"workersToDelete": [format!("worker-{replicas}")]}},
    ])
}

/// The autoscaler writes as the account of the head pod, with the rights that KubeRay gives it.
pub(crate) fn the_autoscaler_needs_no_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let kind = &RAY_CLUSTER;
    let path = create(cluster, kind, &autoscaled(kind));
    let role = json!({
        "metadata": {"name": "train-head"},
        "rules": [{"apiGroups": ["ray.io"], "resources": ["rayclusters"], "verbs": ["get", "list", "watch", "patch"]}],
    });
    let binding = json!({
        "metadata": {"name": "train-head"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "train-head"},
        "subjects": [{"kind": "ServiceAccount", "name": "train-head", "namespace": NAMESPACE}],
    });
    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}");
    cluster.api.post(&format!("{rbac}/roles"), &role).expect(201);
    cluster.api.post(&format!("{rbac}/rolebindings"), &binding).expect(201);
    let head = cluster.as_user(HEAD, &[]);
    let before = gate.reviews();
    for (group, replicas) in [(0, 2), (1, 3), (0, 0)] {
        let scaled = head.json_patch(&path, &scaling(kind, group, replicas)).expect(200);
        assert_eq!(groups(kind, &scaled)[group]["replicas"], replicas);
    }
    let back = json!([{"op": "remove", "path": pointer(kind, "workerGroupSpecs/0/scaleStrategy")}]);
    head.json_patch(&path, &back).expect(200);
    assert_eq!(gate.reviews(), before);
    gate.kill();
    head.json_patch(&path, &scaling(kind, 1, 1)).expect(200);
    let more = replace(kind, "workerGroupSpecs/0/maxReplicas", json!(500));
    assert_unreachable(&head.json_patch(&path, &more));
}

pub(crate) fn what_is_more_than_scaling_comes(cluster: &Cluster) {
    let gate = Gate::open(cluster);
    let kind = &RAY_CLUSTER;
    let path = create(cluster, kind, &autoscaled(kind));
    let group = |name: &str| pointer(kind, &format!("workerGroupSpecs/1/{name}"));
    let add = |path: String, value: Value| json!({"op": "add", "path": path, "value": value});
    let stored = cluster.api.get(&path).expect(200);
    let mut renamed = groups(kind, &stored)[0].clone();
    renamed["groupName"] = json!("other");
    let changes = [
        add(group("maxReplicas"), json!(7)),
        add(group("numOfHosts"), json!(2)),
        add(group("rayStartParams"), json!({"num-cpus": "1"})),
        add(group("template/metadata"), json!({"labels": {"a": "b"}})),
        add(group("suspend"), json!(true)),
        add(pointer(kind, "workerGroupSpecs/-"), renamed),
        json!({"op": "remove", "path": pointer(kind, "workerGroupSpecs/1")}),
        add(pointer(kind, "headGroupSpec/rayStartParams"), json!({"num-cpus": "1"})),
        add(pointer(kind, "suspend"), json!(true)),
        add(pointer(kind, "enableInTreeAutoscaling"), json!(false)),
        add("/metadata/labels/team".to_owned(), json!("other")),
        add("/metadata/annotations/team".to_owned(), json!("other")),
    ];
    for change in changes {
        let before = gate.reviews();
        // The scaling alone does not come.
        let mut patch = scaling(kind, 0, 2);
        patch.as_array_mut().expect("a JSON Patch").push(change.clone());
        let answer = cluster.api.json_patch(&format!("{path}?dryRun=All"), &patch);
        assert!([200, 403].contains(&answer.code), "{change}: {answer}");
        // An older CRD does not have every field, and drops what it does not know.
        let added = change["path"]
            .as_str()
            .filter(|path| change["op"] == "add" && !path.ends_with('-'));
        let is_dropped = answer.code == 200 && added.is_some_and(|path| answer.body.pointer(path).is_none());
        assert!(is_dropped || gate.reviews() != before, "{change}");
    }
    // Where nobody scales but the author, replicas count.
    let plain = create(cluster, kind, &named(seed(kind), "plain"));
    let before = gate.reviews();
    cluster.api.json_patch(&plain, &scaling(kind, 0, 2)).expect(200);
    assert_ne!(gate.reviews(), before);
    // Only RayClusters are scaled from within.
    for kind in [&RAY_JOB, &RAY_SERVICE, &RAY_CRON_JOB] {
        let path = create(cluster, kind, &autoscaled(kind));
        let before = gate.reviews();
        let answer = cluster
            .api
            .json_patch(&path, &replace(kind, "workerGroupSpecs/0/replicas", json!(2)));
        assert_eq!(answer.code, 200, "{}: {answer}", kind.name);
        assert_ne!(gate.reviews(), before, "{}", kind.name);
    }
}

/// A condition that costs the API server too much fails, and with it every update.
pub(crate) fn a_large_cluster_scales_without_raygate(cluster: &Cluster) {
    let kind = &RAY_CLUSTER;
    let mut object = autoscaled(kind);
    let groups = groups_mut(kind, &mut object);
    let group = groups[0].clone();
    *groups = (0..400)
        .map(|nth| {
            let mut group = group.clone();
            group["groupName"] = json!(format!("group-{nth}"));
            group
        })
        .collect();
    let path = create(cluster, kind, &object);
    let gate = Gate::open(cluster);
    let before = gate.reviews();
    cluster.api.json_patch(&path, &scaling(kind, 399, 2)).expect(200);
    assert_eq!(gate.reviews(), before);
}

/// The condition lists the fields of a worker group, and judges an update of a group with any other.
pub(crate) fn every_field_of_a_worker_group_is_listed(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rayclusters.ray.io";
    let crd = cluster.api.get(crd).expect(200);
    let versions = crd["spec"]["versions"].as_array().expect("versions");
    let version = versions.iter().find(|version| version["name"] == "v1").expect("v1");
    let place = "/schema/openAPIV3Schema/properties/spec/properties/workerGroupSpecs/items/properties";
    let fields = version.pointer(place).and_then(Value::as_object).expect("the fields");
    let configuration = cluster.api.get(&Hook::Validating.configuration()).expect(200);
    let conditions = configuration["webhooks"][0]["matchConditions"]
        .as_array()
        .expect("conditions");
    let condition = conditions
        .iter()
        .find(|condition| condition["name"] == "not-a-scaling-by-rays-autoscaler")
        .expect("the condition");
    let expression = condition["expression"].as_str().expect("an expression");
    for field in fields.keys() {
        let times = expression.matches(&format!("\"{field}\"")).count();
        let scaled = ["replicas", "scaleStrategy"].contains(&field.as_str());
        assert_eq!(times, if scaled { 1 } else { 2 }, "{field}");
    }
}

pub(crate) fn narrowed_webhooks_leave_other_kinds_alone(cluster: &Cluster) {
    let gate = Gate::open_with_kinds(cluster, "RayJob,RayService");
    for kind in KINDS {
        let before = gate.reviews();
        cluster.api.post(&objects_path(kind), &seed(kind)).expect(201);
        let comes = ["RayJob", "RayService"].contains(&kind.name);
        assert_eq!(gate.reviews() > before, comes, "{}", kind.name);
    }
}

/// How a new kind starts: it comes to raygate, which says what it would do.
pub(crate) fn a_kind_in_preview_is_stored_as_it_came(cluster: &Cluster) {
    let folder = tempfile::tempdir_in(cluster.folder()).expect("create a folder for the Platform");
    let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {preview: [RayCluster, RayService]}\n";
    fs::write(folder.path().join("platform.yaml"), platform).expect("write the Platform");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let in_policies = Gate::open_with_policies(cluster, &[shipped, folder.path().to_owned()]);
    assert_previewed(cluster, &in_policies);
    drop(in_policies);
    let set = Gate::open_with_flags(cluster, &["--preview=RayCluster,RayService".to_owned()]);
    assert_previewed(cluster, &set);
}

/// RayClusters and RayServices are stored as they came, and other kinds are judged.
#[track_caller]
fn assert_previewed(cluster: &Cluster, gate: &Gate<'_>) {
    for kind in KINDS {
        let before = gate.reviews();
        let answer = cluster
            .api
            .post(&objects_path(kind), &with_duplicate_group_of(kind, seed(kind)));
        assert_ne!(gate.reviews(), before, "{}", kind.name);
        if ["RayCluster", "RayService"].contains(&kind.name) {
            let stored = answer.expect(201);
            assert!(stored["metadata"]["annotations"][APPLIED].is_null(), "{}", kind.name);
            cluster.api.delete(&object_path(kind, name(&stored))).expect(200);
        } else {
            assert_denied(&answer);
        }
    }
    assert!(gate.log().contains("Platform:RG501:Deny"), "{}", gate.log());
}
