//! Which writes of a RayJob come to raygate, and which need no raygate at all.

use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::{Cluster, rayjob, rayjobs, rayjobs_in};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate};
use crate::outage::assert_unreachable;
use crate::rayjobs::{load, name, named, with_duplicate_group};
use crate::updates::{assert_deletable, create_with_finalizer};

/// Kueue's user in the shipped configurations.
pub(crate) const KUEUE: &str = "system:serviceaccount:kueue-system:kueue-controller-manager";
/// A user of KubeRay's operator in the shipped configurations.
pub(crate) const OPERATOR: &str = "system:serviceaccount:ray-system:kuberay-operator";

/// These users have all rights here: who may write is not the question.
pub(crate) fn user(cluster: &Cluster, name: &str) -> Api {
    cluster.as_user(name, &["system:masters"])
}

/// How many reviews a patch costs, which must be accepted.
#[track_caller]
pub(crate) fn reviews(gate: &Gate<'_>, api: &Api, path: &str, patch: &Value) -> u64 {
    let before = gate.reviews();
    api.merge_patch(path, patch).expect(200);
    gate.reviews() - before
}

fn suspend(is_suspended: bool) -> Value {
    json!({"spec": {"suspend": is_suspended}})
}

/// A selector and a label of the head, as Kueue writes them; null takes them away.
fn placed(suspend: bool, flavor: &Value) -> Value {
    let template = json!({
        "metadata": {"labels": {"kueue.x-k8s.io/podset": flavor}},
        "spec": {"nodeSelector": {"flavor": flavor}},
    });
    json!({"spec": {"suspend": suspend, "rayClusterSpec": {"headGroupSpec": {"template": template}}}})
}

pub(crate) fn finalizers_and_owners_do_not_come(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let path = create_with_finalizer(cluster, load("seed-02"));
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "0"}]);
    let finalizers = json!({"metadata": {"finalizers": ["tests.dev/a", "tests.dev/b"]}});
    let owners = json!({"metadata": {"ownerReferences": owner}});
    for patch in [&finalizers, &owners] {
        assert_eq!(reviews(&gate, &cluster.api, &path, patch), 0, "{patch}");
    }
    gate.kill();
    cluster
        .api
        .merge_patch(&path, &json!({"metadata": {"ownerReferences": null}}))
        .expect(200);
    assert_deletable(cluster, &path);
}

pub(crate) fn labels_and_annotations_come(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let path = create_with_finalizer(cluster, load("seed-02"));
    let changes = ["labels", "annotations"].map(|field| json!({"metadata": {field: {"team": "other"}}}));
    for change in &changes {
        assert_eq!(reviews(&gate, &cluster.api, &path, change), 2, "{change}");
    }
    gate.kill();
    for field in ["labels", "annotations"] {
        assert_unreachable(
            &cluster
                .api
                .merge_patch(&path, &json!({"metadata": {field: {"team": null}}})),
        );
    }
}

/// KubeRay's operator writes finalizers, status, and the spec in a form of its own.
pub(crate) fn the_operators_updates_do_not_come(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let operator = user(cluster, OPERATOR);
    let path = create_with_finalizer(cluster, load("seed-02"));
    let updates = |round: &str| {
        [
            json!({"metadata": {"finalizers": [format!("ray.io/{round}")]}}),
            json!({"spec": {"shutdownAfterJobFinishes": null, "entrypoint": round}}),
            json!({"metadata": {"labels": {"round": round}}}),
        ]
    };
    for patch in updates("first") {
        assert_eq!(reviews(&gate, &operator, &path, &patch), 0, "{patch}");
    }
    let status = json!({"status": {"jobDeploymentStatus": "Running"}});
    assert_eq!(reviews(&gate, &operator, &format!("{path}/status"), &status), 0);
    gate.kill();
    for patch in updates("second") {
        operator.merge_patch(&path, &patch).expect(200);
    }
    operator.merge_patch(&format!("{path}/status"), &status).expect(200);
}

/// As KubeRay's operator does for a RayCronJob, whose author raygate has not seen.
pub(crate) fn what_the_operator_creates_comes(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let operator = user(cluster, OPERATOR);
    let path = format!("{}?dryRun=All", rayjobs());
    let created = operator.post(&path, &load("seed-02")).expect(201);
    assert!(created["metadata"]["annotations"][APPLIED].is_string(), "{created:#}");
    assert_denied(&operator.post(&path, &with_duplicate_group(load("seed-02"))));
}

/// Kueue takes a running job's GPUs back at any time, and restores what it had changed in the same patch. What it lets go
/// is judged.
pub(crate) fn a_queue_suspends_without_raygate(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let kueue = user(cluster, KUEUE);
    let job = load("seed-02");
    cluster.api.post(&rayjobs(), &job).expect(201);
    let path = rayjob(name(&job));
    let (admit, evict) = (placed(false, &json!("spot")), placed(true, &Value::Null));
    assert_eq!(reviews(&gate, &kueue, &path, &evict), 0);
    assert_ne!(reviews(&gate, &kueue, &path, &admit), 0, "a resume");
    assert_eq!(reviews(&gate, &kueue, &path, &evict), 0);
    assert_ne!(
        reviews(&gate, &kueue, &path, &json!({"spec": {"entrypoint": "true"}})),
        0,
        "a change of a suspended job is no suspension"
    );
    assert_ne!(reviews(&gate, &kueue, &path, &admit), 0);
    gate.kill();
    let evicted = kueue.merge_patch(&path, &evict).expect(200);
    assert_eq!(evicted["spec"]["suspend"], true);
    let head = &evicted["spec"]["rayClusterSpec"]["headGroupSpec"]["template"];
    assert!(head["spec"]["nodeSelector"]["flavor"].is_null(), "{head:#}");
    assert_unreachable(&kueue.merge_patch(&path, &admit));
}

pub(crate) fn other_suspensions_come(cluster: &Cluster) {
    let mut gate = Gate::open(cluster);
    let job = load("seed-02");
    cluster.api.post(&rayjobs(), &job).expect(201);
    let path = rayjob(name(&job));
    assert_ne!(reviews(&gate, &cluster.api, &path, &suspend(true)), 0);
    assert_ne!(reviews(&gate, &cluster.api, &path, &suspend(false)), 0);
    gate.kill();
    assert_unreachable(&cluster.api.merge_patch(&path, &suspend(true)));
}

/// A RayJob without labels, annotations and `suspend`, in each served version: a condition that fails would refuse it.
pub(crate) fn the_conditions_know_every_version_of_a_rayjob(cluster: &Cluster) {
    let bare = |version: &str| {
        let mut job = named(load("seed-02"), &version.replace('1', "-one"));
        job["apiVersion"] = json!(format!("ray.io/{version}"));
        for field in ["labels", "annotations"] {
            job["metadata"].as_object_mut().expect("metadata").remove(field);
        }
        job["spec"].as_object_mut().expect("a spec").remove("suspend");
        job
    };
    let jobs = ["v1", "v1alpha1"].map(|version| (version, bare(version)));
    for (version, job) in &jobs {
        cluster.api.post(&rayjobs_in(version), job).expect(201);
    }
    let gate = Gate::open(cluster);
    let kueue = user(cluster, KUEUE);
    for (version, job) in &jobs {
        let path = format!("{}/{}", rayjobs_in(version), name(job));
        let finalizers = json!({"metadata": {"finalizers": ["tests.dev/a"]}});
        assert_eq!(reviews(&gate, &cluster.api, &path, &finalizers), 0, "{version}");
        assert_ne!(reviews(&gate, &cluster.api, &path, &suspend(false)), 0, "{version}");
        assert_eq!(reviews(&gate, &kueue, &path, &suspend(true)), 0, "{version}");
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        assert_ne!(reviews(&gate, &cluster.api, &path, &label), 0, "{version}");
        cluster
            .api
            .post(
                &format!("{}?dryRun=All", rayjobs_in(version)),
                &named(job.clone(), "created"),
            )
            .expect(201);
    }
}
