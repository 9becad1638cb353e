//! raygate among other webhooks of the same objects.

use serde_json::{Value, json};

use crate::cluster::{Cluster, rayjobs};
use crate::gate::{APPLIED, Gate};
use crate::rayjobs::{load, name, ray_pod, ray_pods};
use crate::standin::StandIn;

/// Kueue's own name for its configuration. The API server calls configurations in the order of their names, and Kueue's
/// webhook does not ask to be called again.
const KUEUE: &str = "kueue-mutating-webhook-configuration";

/// Kueue sees the job as raygate completed it, and what Kueue then adds is completed too.
pub(crate) fn raygate_comes_before_kueue_and_once_more_after(cluster: &Cluster) {
    let _gate = Gate::open(cluster);
    let kueue = StandIn::register(cluster, KUEUE, add_a_group);
    let job = load("seed-02");
    let stored = cluster.api.post(&rayjobs(), &job).expect(201);

    let seen = kueue.seen(name(&job));
    assert_eq!(seen.len(), 1, "Kueue is called once");
    assert!(
        seen[0]["metadata"]["annotations"][APPLIED].is_string(),
        "{:#}",
        seen[0]["metadata"]
    );
    for pod in ray_pods(&seen[0]) {
        assert!(
            pod.container()["readinessProbe"].is_object(),
            "{}: {:#}",
            pod.role,
            pod.container()
        );
    }
    assert_eq!(stored["spec"]["suspend"], true);
    let late = ray_pod(&stored, "late-workers");
    assert!(late.container()["readinessProbe"].is_object(), "{:#}", late.container());
}

/// Suspends the job as Kueue does, and adds a group as the author would have written it.
fn add_a_group(object: &Value) -> Value {
    let mut late = load("seed-02")["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    late["groupName"] = json!("late-workers");
    let present = object["spec"]["rayClusterSpec"]["workerGroupSpecs"]
        .as_array()
        .map_or(0, Vec::len);
    json!([
        {"op": "add", "path": "/spec/suspend", "value": true},
        {"op": "add", "path": format!("/spec/rayClusterSpec/workerGroupSpecs/{present}"), "value": late},
    ])
}
