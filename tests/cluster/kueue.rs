//! What becomes of an object that raygate, Kueue and KubeRay write in turn. These tests run by command: Kueue and KubeRay's
//! operator have to be built first.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use raygate::ray::kind::{Kind, RAY_CLUSTER, RAY_JOB, RAY_SERVICE};
use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, NAMESPACE, object_path, objects_path, pods};
use crate::doctor::Report;
use crate::gate::{APPLIED, run};
use crate::kubectl::kubectl;
use crate::nodes::GPU_PRODUCT;
use crate::outage::assert_unreachable;
use crate::process::wait_for;
use crate::queues::Queues;
use crate::rayjobs::{as_kind, groups, groups_mut, load, name, named};
use crate::reach::user;

/// The kinds that Kueue 0.19 manages.
const QUEUED: [&Kind; 3] = [&RAY_JOB, &RAY_CLUSTER, &RAY_SERVICE];

const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const PRIORITY: &str = "kueue.x-k8s.io/priority-class";
const PODSET: &str = "kueue.x-k8s.io/podset";
const GPUS: &str = "nvidia.com/gpu.product";

/// An object with a head, four pods with a GPU each, which is all that the queue has, and one pod without.
fn object(kind: &Kind, name: &str) -> Value {
    let mut job = named(load("seed-02"), name);
    for group in groups_mut(&RAY_JOB, &mut job) {
        let pods = if group["groupName"] == "gpu-workers" { 4 } else { 1 };
        for key in ["replicas", "minReplicas", "maxReplicas"] {
            group[key] = json!(pods);
        }
    }
    as_kind(kind, &job)
}

/// Stores an object as its author, and returns its path and what was stored.
#[track_caller]
fn create(cluster: &Cluster, kind: &Kind, object: &Value) -> (String, Value) {
    let stored = cluster.api.post(&objects_path(kind), object).expect(201);
    (object_path(kind, name(object)), stored)
}

fn list(cluster: &Cluster, path: &str) -> Vec<Value> {
    let mut list = cluster.api.get(path).expect(200);
    list["items"].take().as_array().cloned().expect("a list")
}

fn is_owned_by(object: &Value, uid: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|owner| owner["uid"] == *uid)
}

/// The RayClusters of an object.
fn clusters(cluster: &Cluster, kind: &Kind, object: &Value) -> Vec<Value> {
    let uid = &object["metadata"]["uid"];
    let mut found = list(cluster, &objects_path(&RAY_CLUSTER));
    found.retain(|found| is_owned_by(found, uid) || kind.is(&RAY_CLUSTER) && found["metadata"]["uid"] == *uid);
    found
}

/// The UIDs of an object's RayClusters, of their pods, and of the Job that submits.
fn running(cluster: &Cluster, kind: &Kind, object: &Value) -> BTreeSet<String> {
    let clusters = clusters(cluster, kind, object);
    let names: Vec<&Value> = clusters.iter().map(|found| &found["metadata"]["name"]).collect();
    let mut pods = list(cluster, &pods());
    pods.retain(|pod| names.contains(&&pod["metadata"]["labels"]["ray.io/cluster"]));
    let mut jobs = list(cluster, &format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs"));
    jobs.retain(|job| is_owned_by(job, &object["metadata"]["uid"]));
    let all = clusters.iter().chain(&pods).chain(&jobs);
    all.map(|object| object["metadata"]["uid"].as_str().expect("a UID").to_owned())
        .collect()
}

/// The pods of an object's RayClusters.
fn pods_of(cluster: &Cluster, kind: &Kind, object: &Value) -> Vec<Value> {
    let clusters = clusters(cluster, kind, object);
    let names: Vec<&Value> = clusters.iter().map(|found| &found["metadata"]["name"]).collect();
    let mut pods = list(cluster, &pods());
    pods.retain(|pod| names.contains(&&pod["metadata"]["labels"]["ray.io/cluster"]));
    pods
}

fn is_suspended(kind: &Kind, object: &Value) -> bool {
    suspend_field(kind, object) == &json!(true)
}

fn suspend_field<'v>(kind: &Kind, object: &'v Value) -> &'v Value {
    if kind.is(&RAY_SERVICE) {
        &object["spec"]["rayClusterConfig"]["suspend"]
    } else {
        &object["spec"]["suspend"]
    }
}

/// The Workload of an object, if Kueue has made one.
fn workload(cluster: &Cluster, object: &Value) -> Option<Value> {
    let path = format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{NAMESPACE}/workloads");
    let mut workloads = list(cluster, &path);
    workloads.retain(|workload| is_owned_by(workload, &object["metadata"]["uid"]));
    assert!(workloads.len() < 2, "{} Workloads of one object", workloads.len());
    workloads.pop()
}

/// Lets Kueue run an object, or takes its quota away.
fn activate(cluster: &Cluster, object: &Value, is_active: bool) {
    let workload = workload(cluster, object).expect("a Workload");
    let name = workload["metadata"]["name"].as_str().expect("a name");
    let path = format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{NAMESPACE}/workloads/{name}");
    let patch = json!({"spec": {"active": is_active}});
    cluster.api.merge_patch(&path, &patch).expect(200);
}

/// Waits until an object runs: Kueue has admitted it, KubeRay has made one RayCluster of it, and all pods are there.
fn wait_for_run(cluster: &Cluster, kind: &Kind, path: &str) -> Value {
    wait_for(&format!("{path} to run"), || {
        let object = cluster.api.get(path).expect(200);
        let status = &object["status"];
        if is_suspended(kind, &object) {
            let workload = workload(cluster, &object);
            let workload = workload.map(|workload| workload["status"]["conditions"].clone());
            return Err(format!("suspended: {workload:?}"));
        }
        let clusters = clusters(cluster, kind, &object);
        let ready = clusters.iter().filter(|found| found["status"]["state"] == "ready");
        let runs = ready.count() == 1
            && clusters.len() == 1
            && match kind.name {
                "RayJob" => status["jobDeploymentStatus"] == "Running" && status["jobStatus"] == "RUNNING",
                "RayService" => status["serviceStatus"] == "Running",
                _ => true,
            };
        let pods = pods_of(cluster, kind, &object).len();
        if runs && pods == 6 {
            Ok(object)
        } else {
            let states: Vec<&Value> = clusters.iter().map(|found| &found["status"]["state"]).collect();
            Err(format!("{pods} pods, clusters {states:?}, {status}"))
        }
    })
}

/// Waits until an object is suspended, and nothing of it runs.
fn wait_for_end(cluster: &Cluster, kind: &Kind, path: &str) -> Value {
    wait_for(&format!("{path} to be suspended"), || {
        let object = cluster.api.get(path).expect(200);
        let pods = pods_of(cluster, kind, &object).len();
        let status = &object["status"]["jobDeploymentStatus"];
        let ended = !kind.is(&RAY_JOB) || status == "Suspended";
        if is_suspended(kind, &object) && pods == 0 && ended {
            Ok(object)
        } else {
            Err(format!(
                "{pods} pods, suspend {}, {status}",
                suspend_field(kind, &object)
            ))
        }
    })
}

/// Waits until Kueue has looked at an object that has to wait.
fn wait_for_queue(cluster: &Cluster, path: &str) -> Value {
    wait_for(&format!("{path} to wait for quota"), || {
        let object = cluster.api.get(path).expect(200);
        let workload = workload(cluster, &object).ok_or("no Workload yet")?;
        let mut conditions = workload["status"]["conditions"].as_array().into_iter().flatten();
        let waits = conditions.any(|it| it["type"] == "QuotaReserved" && it["status"] == "False");
        if waits { Ok(object) } else { Err("not looked at yet") }
    })
}

#[track_caller]
fn delete(cluster: &Cluster, path: &str) {
    cluster.api.delete(path).expect(200);
    wait_for(&format!("{path} to be gone"), || match cluster.api.get(path).code {
        404 => Ok(()),
        code => Err(code),
    });
}

/// A value without what KubeRay's and Kueue's typed clients drop or add: nulls, and empty and false fields.
fn said(value: &Value) -> Value {
    let is_said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    match value {
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| (key.clone(), said(value)));
            Value::Object(fields.filter(|(_, value)| is_said(value)).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// The spec of an object but for the fields by which Kueue suspends.
fn spec(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    let cluster = object.pointer_mut(&kind.cluster_path().pointer()).expect("a cluster");
    cluster["suspend"] = Value::Null;
    object["spec"]["suspend"] = Value::Null;
    said(&object["spec"])
}

/// The pod templates that Kueue writes to, each with the name of its pod set.
fn templates<'v>(kind: &Kind, object: &'v Value) -> Vec<(&'v str, &'v Value)> {
    let head = object.pointer(&kind.head_path().pointer()).expect("a head");
    let mut found = vec![("head", &head["template"])];
    for group in groups(kind, object) {
        found.push((group["groupName"].as_str().expect("a name"), &group["template"]));
    }
    let submitter = &object["spec"]["submitterPodTemplate"];
    if submitter.is_object() {
        found.push(("submitter", submitter));
    }
    found
}

/// Kueue has written its labels and the flavor's node selector, and nothing else has changed since the creation.
#[track_caller]
fn assert_scheduled(kind: &Kind, created: &Value, runs: &Value) {
    let before: Vec<_> = templates(kind, created);
    for (podset, template) in templates(kind, runs) {
        let expected = if podset == "submitter" { "submitter" } else { podset };
        assert_eq!(template["metadata"]["labels"][PODSET], expected, "{template:#}");
        let selector = &template["spec"]["nodeSelector"];
        let has_gpus = podset == "gpu-workers";
        assert_eq!(selector[GPUS] == GPU_PRODUCT, has_gpus, "{podset}: {selector}");
        if let Some((_, before)) = before.iter().find(|(name, _)| *name == podset) {
            for key in ["containers", "initContainers", "volumes"] {
                assert_eq!(
                    said(&template["spec"][key]),
                    said(&before["spec"][key]),
                    "{podset}: {key}"
                );
            }
        }
    }
}

/// What KubeRay runs is what raygate completed.
#[track_caller]
fn assert_completed(cluster: &Cluster, kind: &Kind, runs: &Value) {
    let clusters = clusters(cluster, kind, runs);
    let [child] = clusters.as_slice() else {
        panic!("{}: {} RayClusters", kind.name, clusters.len());
    };
    let asked = templates(kind, runs);
    for (podset, template) in templates(&RAY_CLUSTER, child) {
        let (_, asked) = asked
            .iter()
            .find(|(name, _)| *name == podset)
            .expect("the same pod set");
        assert_eq!(said(&template["spec"]), said(&asked["spec"]), "{}: {podset}", kind.name);
    }
    for pod in pods_of(cluster, kind, runs) {
        let labels = &pod["metadata"]["labels"];
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let memory = volumes.filter(|volume| volume["emptyDir"]["medium"] == "Memory");
        assert!(memory.count() > 0, "{labels}: no shared memory");
        let is_gpu = labels["ray.io/group"] == "gpu-workers";
        assert_eq!(pod["spec"]["nodeSelector"][GPUS] == GPU_PRODUCT, is_gpu, "{labels}");
    }
}

pub(crate) fn each_kind_is_admitted_evicted_and_resumed(cluster: &Cluster) {
    let mut queues = Queues::open(cluster);
    for kind in QUEUED {
        let (path, created) = create(cluster, kind, &object(kind, "train"));
        assert!(is_suspended(kind, &created), "{}", kind.name);
        assert!(created["metadata"]["annotations"][APPLIED].is_string(), "{}", kind.name);
        assert_eq!(created["metadata"]["labels"][QUEUE], "ray-gpu", "{}", kind.name);
        // A class that is missing is an endless wait that only Kueue's log explains.
        assert!(created["metadata"]["labels"][PRIORITY].is_null(), "{}", kind.name);

        let first = wait_for_run(cluster, kind, &path);
        assert_scheduled(kind, &created, &first);
        assert_completed(cluster, kind, &first);
        for _ in 0..2 {
            activate(cluster, &first, false);
            let evicted = wait_for_end(cluster, kind, &path);
            assert_eq!(spec(kind, &evicted), spec(kind, &created), "{}", kind.name);
            activate(cluster, &first, true);
            let again = wait_for_run(cluster, kind, &path);
            assert_eq!(spec(kind, &again), spec(kind, &first), "{}", kind.name);
            assert_completed(cluster, kind, &again);
        }
        delete(cluster, &path);
        queues.assert_running();
    }
}

pub(crate) fn a_preempted_job_comes_back_as_it_was(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    for kind in QUEUED {
        let (path, created) = create(cluster, kind, &object(kind, "patient"));
        let first = wait_for_run(cluster, kind, &path);
        let mut urgent = object(&RAY_JOB, "urgent");
        urgent["metadata"]["labels"][PRIORITY] = json!("urgent");
        let (urgent, _) = create(cluster, &RAY_JOB, &urgent);
        let preempted = wait_for_end(cluster, kind, &path);
        assert_eq!(spec(kind, &preempted), spec(kind, &created), "{}", kind.name);
        wait_for_run(cluster, &RAY_JOB, &urgent);
        delete(cluster, &urgent);
        let again = wait_for_run(cluster, kind, &path);
        assert_eq!(spec(kind, &again), spec(kind, &first), "{}", kind.name);
        assert_completed(cluster, kind, &again);
        delete(cluster, &path);
    }
}

/// Applies a file as people and tools do. Returns what was printed.
fn apply(cluster: &Cluster, object: &Value, verb: &str, server_side: bool) -> String {
    let kubectl = kubectl().expect("RAYGATE_KUBECTL names a kubectl");
    let file = cluster.folder().join("applied.json");
    fs::write(&file, object.to_string()).expect("write an object");
    let mut command = Command::new(kubectl);
    command.arg(verb).arg("--kubeconfig").arg(cluster.kubeconfig());
    command.arg("--filename").arg(&file);
    if server_side {
        // Kueue owns the worker groups: they are one field.
        command.args(["--server-side", "--force-conflicts"]);
    }
    run(&mut command)
}

pub(crate) fn a_file_applied_again_changes_nothing_in_any_state(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    for kind in QUEUED {
        for server_side in [false, true] {
            let (blocker, _) = create(cluster, &RAY_JOB, &object(&RAY_JOB, "blocker"));
            wait_for_run(cluster, &RAY_JOB, &blocker);

            let object = object(kind, "train");
            let path = object_path(kind, name(&object));
            apply(cluster, &object, "apply", server_side);
            let again = |state: &str, before: Value| {
                let told = format!("{}, {state}, server side: {server_side}", kind.name);
                let ran = running(cluster, kind, &before);
                let uid = workload(cluster, &before).expect("a Workload")["metadata"]["uid"].clone();
                assert_eq!(apply(cluster, &object, "diff", server_side), "", "{told}");
                for _ in 0..2 {
                    apply(cluster, &object, "apply", server_side);
                    let after = cluster.api.get(&path).expect(200);
                    assert_eq!(after["spec"], before["spec"], "{told}");
                    let generation = |object: &Value| object["metadata"]["generation"].clone();
                    assert_eq!(generation(&after), generation(&before), "{told}");
                }
                assert_eq!(running(cluster, kind, &before), ran, "{told}");
                let workload = workload(cluster, &before).expect("a Workload");
                assert_eq!(workload["metadata"]["uid"], uid, "{told}");
            };
            let waiting = wait_for_queue(cluster, &path);
            if kind.is(&RAY_SERVICE) {
                wait_for(
                    "KubeRay to make the suspended cluster of the service",
                    || match clusters(cluster, kind, &waiting).len() {
                        1 => Ok(()),
                        count => Err(count),
                    },
                );
            }
            again("waiting", waiting);
            delete(cluster, &blocker);
            let first = wait_for_run(cluster, kind, &path);
            again("running", first.clone());
            activate(cluster, &first, false);
            again("evicted", wait_for_end(cluster, kind, &path));
            activate(cluster, &first, true);
            let resumed = wait_for_run(cluster, kind, &path);
            assert_eq!(spec(kind, &resumed), spec(kind, &first), "{}", kind.name);
            assert_completed(cluster, kind, &resumed);
            again("resumed", resumed);
            delete(cluster, &path);
        }
    }
}

/// Kueue takes quota back while raygate is down, KubeRay does its work, and what has to be judged waits.
pub(crate) fn quota_is_taken_back_without_raygate(cluster: &Cluster) {
    let mut queues = Queues::open(cluster);
    for kind in QUEUED {
        let (path, created) = create(cluster, kind, &object(kind, "train"));
        let first = wait_for_run(cluster, kind, &path);
        let (waiting, _) = create(cluster, &RAY_JOB, &object(&RAY_JOB, "waiting"));
        wait_for_queue(cluster, &waiting);
        queues.kill_raygate();
        activate(cluster, &first, false);
        let evicted = wait_for_end(cluster, kind, &path);
        assert_eq!(spec(kind, &evicted), spec(kind, &created), "{}", kind.name);
        assert_unreachable(&cluster.api.post(&objects_path(&RAY_JOB), &object(&RAY_JOB, "new")));
        // The other job has its quota now, and starts as soon as raygate is there to judge that.
        wait_for("Kueue to be refused", || {
            let log = queues.kueue_log();
            if log.contains("failed calling webhook") {
                Ok(())
            } else {
                Err("not yet")
            }
        });
        assert!(is_suspended(&RAY_JOB, &cluster.api.get(&waiting).expect(200)));
        queues.restore_raygate();
        wait_for_run(cluster, &RAY_JOB, &waiting);
        delete(cluster, &waiting);
        activate(cluster, &first, true);
        let again = wait_for_run(cluster, kind, &path);
        assert_eq!(spec(kind, &again), spec(kind, &first), "{}", kind.name);
        delete(cluster, &path);
    }
}

/// A job without a submitter template gets one from Kueue, which stays when the job is evicted.
pub(crate) fn a_submitter_of_kueue_stays_and_is_no_edit(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    for server_side in [false, true] {
        let mut job = object(&RAY_JOB, "train");
        job["spec"]
            .as_object_mut()
            .expect("a spec")
            .remove("submitterPodTemplate");
        let path = object_path(&RAY_JOB, "train");
        let dry_run = format!("{}?dryRun=All", objects_path(&RAY_JOB));
        let created = cluster.api.post(&dry_run, &job).expect(201);
        assert!(created["spec"]["submitterPodTemplate"].is_null());
        apply(cluster, &job, "apply", server_side);
        let first = wait_for_run(cluster, &RAY_JOB, &path);
        assert!(first["spec"]["submitterPodTemplate"].is_object());
        assert_scheduled(&RAY_JOB, &first, &first);
        for is_active in [true, false, true] {
            activate(cluster, &first, is_active);
            let before = if is_active {
                wait_for_run(cluster, &RAY_JOB, &path)
            } else {
                wait_for_end(cluster, &RAY_JOB, &path)
            };
            let ran = running(cluster, &RAY_JOB, &before);
            assert_eq!(apply(cluster, &job, "diff", server_side), "", "active: {is_active}");
            apply(cluster, &job, "apply", server_side);
            let after = cluster.api.get(&path).expect(200);
            assert_eq!(after["spec"], before["spec"], "active: {is_active}");
            assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
            assert_eq!(running(cluster, &RAY_JOB, &before), ran, "active: {is_active}");
        }
        delete(cluster, &path);
    }
}

/// Not by removing the label while it waits, and not by starting itself.
pub(crate) fn an_object_does_not_leave_its_queue(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    let (blocker, _) = create(cluster, &RAY_JOB, &object(&RAY_JOB, "blocker"));
    wait_for_run(cluster, &RAY_JOB, &blocker);
    for kind in QUEUED {
        let (path, created) = create(cluster, kind, &object(kind, "train"));
        let waiting = wait_for_queue(cluster, &path);
        let label = json!({"metadata": {"labels": {QUEUE: null}}});
        let start = if kind.is(&RAY_SERVICE) {
            json!({"rayClusterConfig": {"suspend": false}})
        } else {
            json!({"suspend": false})
        };
        let mut both = label.clone();
        both["spec"] = start.clone();
        for patch in [label, json!({"spec": start}), both] {
            let answer = cluster.api.merge_patch(&path, &patch);
            assert!([200, 403].contains(&answer.code), "{answer}");
            let stored = cluster.api.get(&path).expect(200);
            assert_eq!(stored["metadata"]["labels"][QUEUE], "ray-gpu", "{}: {patch}", kind.name);
            let stored = wait_for_end(cluster, kind, &path);
            assert_eq!(spec(kind, &stored), spec(kind, &created), "{}: {patch}", kind.name);
        }
        let uid = |object: &Value| workload(cluster, object).expect("a Workload")["metadata"]["uid"].clone();
        assert_eq!(uid(&cluster.api.get(&path).expect(200)), uid(&waiting), "{}", kind.name);
        delete(cluster, &path);
    }
}

/// A job that runs on somebody's cluster is not Kueue's: without a label it starts.
pub(crate) fn a_job_on_a_selected_cluster_is_in_no_queue(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    let (path, _) = create(cluster, &RAY_CLUSTER, &object(&RAY_CLUSTER, "shared"));
    let shared = wait_for_run(cluster, &RAY_CLUSTER, &path);
    let ran = running(cluster, &RAY_CLUSTER, &shared);
    let mut job = object(&RAY_JOB, "guest");
    let spec = job["spec"].as_object_mut().expect("a spec");
    spec.remove("rayClusterSpec");
    spec.insert("clusterSelector".to_owned(), json!({"ray.io/cluster": "shared"}));
    spec.insert("shutdownAfterJobFinishes".to_owned(), json!(false));
    let (guest, created) = create(cluster, &RAY_JOB, &job);
    assert!(created["metadata"]["labels"][QUEUE].is_null());
    wait_for("the job to run", || {
        let job = cluster.api.get(&guest).expect(200);
        let status = &job["status"];
        if status["jobDeploymentStatus"] == "Running" && status["jobStatus"] == "RUNNING" {
            Ok(())
        } else {
            Err(format!("{status}"))
        }
    });
    delete(cluster, &guest);
    assert_eq!(running(cluster, &RAY_CLUSTER, &shared), ran);
    delete(cluster, &path);
}

/// Sets the image of the head, and of nothing else. Returns the warnings.
fn set_image(cluster: &Cluster, kind: &Kind, path: &str, image: &str) -> Vec<String> {
    let at = format!("{}/template/spec/containers/0/image", kind.head_path().pointer());
    let patch = json!([{"op": "replace", "path": at, "value": image}]);
    let answer = cluster.api.json_patch(path, &patch);
    assert_eq!(answer.code, 200, "{answer}");
    answer.warnings
}

/// An edit of what waits starts with its quota. After an edit of what runs, Kueue starts all of it again, but for a
/// RayService: that one has to be evicted first, as raygate's warning says.
pub(crate) fn an_edit_is_completed_and_starts_once(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    for kind in QUEUED {
        let (blocker, _) = create(cluster, &RAY_JOB, &object(&RAY_JOB, "blocker"));
        wait_for_run(cluster, &RAY_JOB, &blocker);
        let (path, created) = create(cluster, kind, &object(kind, "train"));
        wait_for_queue(cluster, &path);
        let wait_for_image = |image: &str| {
            wait_for(&format!("{path} to run {image}"), || {
                let object = cluster.api.get(&path).expect(200);
                let pods = pods_of(cluster, kind, &object);
                let mut heads = pods
                    .iter()
                    .filter(|pod| pod["metadata"]["labels"]["ray.io/node-type"] == "head");
                if heads.any(|head| head["spec"]["containers"][0]["image"] == image) {
                    Ok(())
                } else {
                    Err(format!("{} pods, suspend {}", pods.len(), suspend_field(kind, &object)))
                }
            });
            let runs = wait_for_run(cluster, kind, &path);
            assert_completed(cluster, kind, &runs);
            let mut expected = created.clone();
            let head = expected.pointer_mut(&kind.head_path().pointer()).expect("a head");
            head["template"]["spec"]["containers"][0]["image"] = json!(image);
            assert_scheduled(kind, &expected, &runs);
        };
        set_image(cluster, kind, &path, "ghcr.io/my-org/ray:waiting");
        delete(cluster, &blocker);
        wait_for_image("ghcr.io/my-org/ray:waiting");
        if kind.is(&RAY_SERVICE) {
            activate(cluster, &created, false);
            wait_for_end(cluster, kind, &path);
            set_image(cluster, kind, &path, "ghcr.io/my-org/ray:evicted");
            wait_for("an active Workload", || {
                let workload = workload(cluster, &created).ok_or("none")?;
                if workload["spec"]["active"] == false {
                    activate(cluster, &created, true);
                    return Err("inactive");
                }
                Ok(())
            });
            wait_for_image("ghcr.io/my-org/ray:evicted");
            let runs = cluster.api.get(&path).expect(200);
            let ran = running(cluster, kind, &runs);
            let warnings = set_image(cluster, kind, &path, "ghcr.io/my-org/ray:running");
            assert!(
                warnings.iter().any(|text| text.contains("never starts it again")),
                "{warnings:?}"
            );
            wait_for("the service to be suspended beside its first cluster", || {
                let object = cluster.api.get(&path).expect(200);
                let now = running(cluster, kind, &object);
                if is_suspended(kind, &object) && workload(cluster, &object).is_none() && now.len() == ran.len() + 1 {
                    assert!(now.is_superset(&ran), "the first cluster was stopped");
                    Ok(())
                } else {
                    Err(format!("{} objects", now.len()))
                }
            });
        } else {
            set_image(cluster, kind, &path, "ghcr.io/my-org/ray:running");
            wait_for_image("ghcr.io/my-org/ray:running");
        }
        delete(cluster, &path);
    }
}

/// What RG709 rejects, Kueue rejects or never starts, and what RG709 lets through, Kueue starts.
pub(crate) fn kueue_says_what_rg709_says(cluster: &Cluster) {
    let mut queues = Queues::open(cluster);
    let with_groups = |name: &str, groups: usize| {
        let mut job = object(&RAY_JOB, name);
        let list = groups_mut(&RAY_JOB, &mut job);
        let group = list[1].clone();
        *list = (0..groups)
            .map(|nth| {
                let mut group = group.clone();
                group["groupName"] = json!(format!("group-{nth}"));
                for key in ["replicas", "minReplicas", "maxReplicas"] {
                    group[key] = json!(1);
                }
                group
            })
            .collect();
        job["metadata"]["labels"][QUEUE] = json!("ray-cpu");
        job
    };
    let labelled = |name: &str, key: &str, value: &str| {
        let mut job = object(&RAY_JOB, name);
        job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["metadata"]["labels"][key] = json!(value);
        job["metadata"]["labels"][QUEUE] = json!("ray-gpu");
        job
    };
    let never_start = [
        with_groups("seventeen", 17),
        labelled("podset", PODSET, "main"),
        labelled("local-queue", "kueue.x-k8s.io/local-queue-name", "other"),
    ];
    for job in &never_start {
        let refused = cluster.api.post(&objects_path(&RAY_JOB), job);
        assert!(
            refused.code == 403 && refused.message().contains("RG709"),
            "{}: {refused}",
            name(job)
        );
    }
    let (path, _) = create(cluster, &RAY_JOB, &with_groups("sixteen", 16));
    wait_for("sixteen groups to be admitted", || {
        let job = cluster.api.get(&path).expect(200);
        if is_suspended(&RAY_JOB, &job) {
            Err("suspended")
        } else {
            Ok(())
        }
    });
    delete(cluster, &path);

    queues.remove_raygate();
    // raygate sets this field, so that Kueue does not have to reject the job.
    let mut keeps = object(&RAY_JOB, "keeps");
    keeps["metadata"]["labels"][QUEUE] = json!("ray-gpu");
    keeps["spec"]["shutdownAfterJobFinishes"] = json!(false);
    assert_eq!(cluster.api.post(&objects_path(&RAY_JOB), &keeps).code, 403);
    let [many, podset, queue] = never_start;
    let (many, _) = create(cluster, &RAY_JOB, &many);
    wait_for("Kueue to fail to make a Workload", || {
        let log = queues.kueue_log();
        if log.contains("must have at most 18 items") {
            Ok(())
        } else {
            Err("not yet")
        }
    });
    let stored = cluster.api.get(&many).expect(200);
    assert!(workload(cluster, &stored).is_none() && is_suspended(&RAY_JOB, &stored));
    delete(cluster, &many);
    for job in [podset, queue] {
        let (path, _) = create(cluster, &RAY_JOB, &job);
        wait_for("the Workload to fail", || {
            let workload = workload(cluster, &cluster.api.get(&path).expect(200)).ok_or("no Workload")?;
            let conditions = workload["status"]["conditions"].as_array();
            let failed = conditions
                .into_iter()
                .flatten()
                .find(|it| it["reason"] == "FailedToStart");
            failed.map(|_| ()).ok_or("not yet")
        });
        assert!(is_suspended(&RAY_JOB, &cluster.api.get(&path).expect(200)));
        delete(cluster, &path);
    }
}

/// Objects that wait without an end, and objects that Kueue starts and nobody runs: nothing in them shows it.
pub(crate) fn the_doctor_says_what_no_object_shows(cluster: &Cluster) {
    let mut queues = Queues::open(cluster);
    let mut remote = object(&RAY_JOB, "remote");
    remote["spec"]["managedBy"] = json!("kueue.x-k8s.io/multikueue");
    let refused = cluster.api.post(&objects_path(&RAY_JOB), &remote);
    assert!(
        refused.code == 403 && refused.message().contains("managedBy"),
        "{refused}"
    );

    let mut no_class = object(&RAY_JOB, "no-class");
    no_class["metadata"]["labels"][PRIORITY] = json!("missing-class");
    let mut no_queue = object(&RAY_CLUSTER, "no-queue");
    no_queue["metadata"]["labels"][QUEUE] = json!("ray-nowhere");
    let mut large = object(&RAY_SERVICE, "large");
    for group in groups_mut(&RAY_SERVICE, &mut large) {
        for key in ["replicas", "minReplicas", "maxReplicas"] {
            group[key] = json!(9);
        }
    }
    // Kueue compares with the flavors only the labels that they list, and no node has this one.
    let mut pool = object(&RAY_JOB, "pool");
    pool["metadata"]["labels"][QUEUE] = json!("ray-cpu");
    groups_mut(&RAY_JOB, &mut pool).remove(0);
    pool["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["nodeSelector"] = json!({"pool": "cpu"});
    let objects = [
        (&RAY_JOB, no_class),
        (&RAY_CLUSTER, no_queue),
        (&RAY_SERVICE, large),
        (&RAY_JOB, pool),
    ];
    let paths = objects.map(|(kind, object)| create(cluster, kind, &object).0);
    queues.create_mixed_queue();
    queues.remove_raygate();
    remote["metadata"]["labels"][QUEUE] = json!("ray-gpu");
    let (remote, _) = create(cluster, &RAY_JOB, &remote);
    wait_for("Kueue to start the object that nobody runs", || {
        let job = cluster.api.get(&remote).expect(200);
        if is_suspended(&RAY_JOB, &job) {
            Err("suspended")
        } else {
            Ok(())
        }
    });

    for (path, words) in paths.iter().zip([
        "no-class waits, and Kueue has made no Workload of it: there is no WorkloadPriorityClass `missing-class`",
        "no-queue does not start: LocalQueue ray-nowhere doesn't exist",
        "large does not start: couldn't assign flavors to pod set gpu-workers",
        "of its pods wait: no node has the labels pool=cpu",
    ]) {
        wait_for(words, || {
            let report = Report::of(cluster);
            let found = report.find("queues", "warning", words);
            found.map(drop).ok_or_else(|| format!("{path}: {report:#?}"))
        });
    }
    let report = Report::of(cluster);
    for words in [
        "remote has managedBy kueue.x-k8s.io/multikueue, and ClusterQueue ray-gpu has no such AdmissionCheck",
        "ClusterQueue ray-mixed has cpu and nvidia.com/gpu in one resource group",
    ] {
        assert!(
            report.find("queues", "warning", words).is_some(),
            "{words}: {report:#?}"
        );
    }
    // KubeRay has seen the other jobs, and so this one.
    let remote = cluster.api.get(&remote).expect(200);
    assert_eq!(clusters(cluster, &RAY_JOB, &remote), [] as [Value; 0]);
    queues.assert_running();
}

/// Autoscaling needs slices of a Workload. With them, neither the autoscaler's nor Kueue's writes restart anything.
pub(crate) fn autoscaling_needs_slices(cluster: &Cluster) {
    let _queues = Queues::open(cluster);
    for kind in QUEUED {
        let mut object = object(kind, "scaled");
        let spec = object.pointer_mut(&kind.cluster_path().pointer()).expect("a cluster");
        spec["enableInTreeAutoscaling"] = json!(true);
        let group = &mut groups_mut(kind, &mut object)[1];
        group["maxReplicas"] = json!(3);
        // raygate and Kueue are asked at the same time, and either answer may come first.
        let refused = cluster.api.post(&objects_path(kind), &object);
        assert_eq!(refused.code, 403, "{}: {refused}", kind.name);
        assert!(refused.message().contains("autoscaling"), "{}: {refused}", kind.name);

        object["metadata"]["annotations"]["kueue.x-k8s.io/elastic-job"] = json!("true");
        let (path, _) = create(cluster, kind, &object);
        let first = wait_for_run(cluster, kind, &path);
        let ran = running(cluster, kind, &first);
        let child = clusters(cluster, kind, &first).pop().expect("a RayCluster");
        let child = object_path(&RAY_CLUSTER, name(&child));
        let autoscaler = user(cluster, "system:serviceaccount:mlplatform-production:train-head");
        let scale = json!([{"op": "replace", "path": "/spec/workerGroupSpecs/1/replicas", "value": 2}]);
        autoscaler.json_patch(&child, &scale).expect(200);
        wait_for("the seventh pod", || {
            let pods = pods_of(cluster, kind, &first);
            let runs = pods.iter().filter(|pod| pod["status"]["phase"] == "Running").count();
            if runs == 7 {
                Ok(())
            } else {
                Err(format!("{runs} of {} pods run", pods.len()))
            }
        });
        let now = cluster.api.get(&path).expect(200);
        assert!(
            running(cluster, kind, &now).is_superset(&ran),
            "{}: something was restarted",
            kind.name
        );
        delete(cluster, &path);
    }
}
