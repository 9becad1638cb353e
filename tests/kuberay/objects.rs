//! Objects of KubeRay's four kinds: a valid one, changed at up to three places.

use serde_json::{Value, json};

use crate::random::Random;

/// A place below the object, the spec of its RayCluster or the spec of its RayJob, and values for it; null removes it.
struct Change {
    within: Within,
    pointer: &'static str,
    values: fn() -> Value,
}

#[derive(Clone, Copy, PartialEq)]
enum Within {
    Object,
    Cluster,
    Job,
}

macro_rules! change {
    ($within:ident, $pointer:literal, $values:tt) => {
        Change {
            within: Within::$within,
            pointer: $pointer,
            values: || json!($values),
        }
    };
}

/// What CRDs default is never removed: the API server fills it in before anyone sees the object.
const CHANGES: &[Change] = &[
    change!(
        Object,
        "/metadata/name",
        [
            "a",
            "A",
            "1a",
            "a.b",
            "-a",
            "a-",
            ("a".repeat(36)),
            ("a".repeat(37)),
            ("a".repeat(47)),
            ("a".repeat(48)),
            ("a".repeat(53)),
            ("a".repeat(54)),
            ("a".repeat(64))
        ]
    ),
    change!(Object, "/metadata/annotations", [
        {}, {"ray.io/ft-enabled": "true"}, {"ray.io/ft-enabled": "false"}, {"ray.io/ft-enabled": ""},
        {"ray.io/external-storage-namespace": "x"}, {"ray.io/initializing-timeout": "5m"}, {"ray.io/initializing-timeout": "0"},
        {"ray.io/initializing-timeout": "300"}, {"ray.io/initializing-timeout": "x"}, {"ray.io/initializing-timeout": ""},
    ]),
    change!(Object, "/metadata/labels", [
        {"ray.io/originated-from-crd": "RayJob"}, {"ray.io/originated-from-crd": "RayService"}, {"ray.io/originated-from-crd": "x"},
    ]),
    change!(Cluster, "/headGroupSpec/template/spec/containers", [[]]),
    change!(
        Cluster,
        "/headGroupSpec/template/spec/restartPolicy",
        ["Always", "Never", ""]
    ),
    change!(Cluster, "/headGroupSpec/rayStartParams", [
        {"num-cpus": "0"}, {"labels": "a=b"}, {"redis-password": "x"}, {"redis-username": "x"}, {"resources": "{}"},
    ]),
    change!(Cluster, "/headGroupSpec/resources", [{}, {"CPU": "2"}]),
    change!(Cluster, "/headGroupSpec/labels", [{"a": "b"}, {"a b": "c"}, {"a": "-"}, {"": ""}, {"a/b/c": "d"}]),
    change!(Cluster, "/headGroupSpec/headService", [{}, {"metadata": {}}, {"metadata": {"name": "head"}}, {"metadata": {"name": ""}}]),
    change!(Cluster, "/headGroupSpec/template/spec/containers/0/env", [
        [{"name": "RAY_REDIS_ADDRESS", "value": "redis:6379"}], [{"name": "REDIS_PASSWORD", "value": "x"}],
        [{"name": "REDIS_USERNAME", "value": "x"}], [{"name": "RAY_enable_autoscaler_v2", "value": "1"}],
        [{"name": "RAY_enable_autoscaler_v2", "value": "true"}], [{"name": "RAY_enable_autoscaler_v2", "value": "0"}],
        [{"name": "RAY_enable_autoscaler_v2"}],
    ]),
    change!(Cluster, "/workerGroupSpecs/0/template/spec/containers", [[]]),
    change!(
        Cluster,
        "/workerGroupSpecs/1/template/spec/restartPolicy",
        ["Always", "Never", "OnFailure"]
    ),
    change!(Cluster, "/workerGroupSpecs/0/rayStartParams", [{"num-gpus": "1"}, {"memory": "1"}, {"labels": ""}, {"num-cpus": ""}]),
    change!(Cluster, "/workerGroupSpecs/0/resources", [{}, {"GPU": "1"}]),
    change!(Cluster, "/workerGroupSpecs/1/labels", [{"a": "b"}, {"ray.io/x": "y z"}, {"k": "_"}]),
    change!(Cluster, "/workerGroupSpecs/0/minReplicas", [-1, 0, 7]),
    change!(Cluster, "/workerGroupSpecs/0/maxReplicas", [-1, 0, 7]),
    change!(Cluster, "/workerGroupSpecs/1/suspend", [true, false]),
    change!(Cluster, "/workerGroupSpecs/1/idleTimeoutSeconds", [-1, 0, 60]),
    change!(Cluster, "/workerGroupSpecs", [null, []]),
    change!(Cluster, "/workerGroupSpecs/0/replicas", [0, 3, 5]),
    change!(Cluster, "/workerGroupSpecs/1/scaleStrategy", [{"workersToDelete": ["pod"]}, {}]),
    change!(Cluster, "/workerGroupSpecs/0/template/spec/tolerations", [[{"key": "gpu", "operator": "Exists"}]]),
    change!(Cluster, "/headGroupSpec/template/spec/tolerations", [[{"operator": "Exists"}], []]),
    change!(Cluster, "/headGroupSpec/template/spec/schedulingGates", [[{"name": "kueue.x-k8s.io/topology"}]]),
    change!(Cluster, "/headGroupSpec/template/spec/nodeSelector", [{"pool": "cpu"}]),
    change!(Cluster, "/enableInTreeAutoscaling", [true, true, false]),
    change!(Cluster, "/autoscalerOptions", [
        {}, {"version": "v1"}, {"version": "v2"}, {"version": "v2", "idleTimeoutSeconds": -1}, {"idleTimeoutSeconds": 60},
    ]),
    change!(Cluster, "/gcsFaultToleranceOptions", [{}, {"redisAddress": "redis:6379"}, {"externalStorageNamespace": "x"}]),
    change!(
        Cluster,
        "/rayVersion",
        ["2.51.0", "2.52.0", "2.55.0", "v2.60.0", "nightly", ""]
    ),
    change!(Cluster, "/authOptions", [
        {}, {"mode": "disabled"}, {"mode": "token"}, {"mode": "token", "enableK8sTokenAuth": true}, {"enableK8sTokenAuth": true},
        {"mode": "token", "enableK8sTokenAuth": true, "secretName": "x"}, {"mode": "token", "secretName": "x"},
    ]),
    change!(Job, "/entrypoint", ["", null]),
    change!(Job, "/suspend", [true, false]),
    change!(Job, "/submissionMode", ["HTTPMode", "InteractiveMode", "SidecarMode"]),
    change!(Job, "/backoffLimit", [-1, 0, 1]),
    change!(Job, "/shutdownAfterJobFinishes", [false, true]),
    change!(Job, "/ttlSecondsAfterFinished", [-1, 0, 60]),
    change!(Job, "/activeDeadlineSeconds", [-1, 0, 60]),
    change!(Job, "/preRunningDeadlineSeconds", [-1, 0, 60]),
    change!(Job, "/clusterSelector", [{}, {"ray.io/cluster": "x"}, {"ray.io/cluster": ""}, {"a": "b"}]),
    change!(Job, "/rayClusterSpec", [null]),
    change!(Job, "/runtimeEnvYAML", ["", "pip: [a]", "- a", "a: b: c", "a: 1\na: 2"]),
    change!(Job, "/submitterPodTemplate", [{"spec": {"containers": [{"name": "s", "image": "a"}]}}]),
    change!(Job, "/submitterConfig", [{"backoffLimit": 1}]),
    change!(Job, "/deletionStrategy", [
        {}, {"onSuccess": {"policy": "DeleteCluster"}},
        {"onSuccess": {"policy": "DeleteNone"}, "onFailure": {"policy": "DeleteSelf"}},
        {"onSuccess": {"policy": "DeleteWorkers"}, "onFailure": {}},
        {"onSuccess": {"policy": "DeleteWorkers"}, "onFailure": {"policy": "DeleteCluster"}},
        {"deletionRules": [{"policy": "DeleteCluster", "condition": {"jobStatus": "SUCCEEDED", "ttlSeconds": 5}}]},
        {"deletionRules": [{"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED", "ttlSeconds": -5}}]},
        {"deletionRules": [{"policy": "DeleteWorkers", "condition": {"jobStatus": "FAILED", "ttlSeconds": 50}},
            {"policy": "DeleteSelf", "condition": {"jobStatus": "FAILED", "ttlSeconds": 5}}]},
    ]),
];

const OF_CLUSTERS: &[Change] = &[
    change!(Object, "/spec/upgradeStrategy", [{}, {"type": "Recreate"}, {"type": "None"}, {"type": "Rolling"}, {"type": ""}]),
    change!(Object, "/status", [
        {}, {"conditions": [{"type": "RayClusterSuspending", "status": "True"}, {"type": "RayClusterSuspended", "status": "True"}]},
        {"conditions": [{"type": "RayClusterSuspended", "status": "True"}]},
    ]),
];

const OF_SERVICES: &[Change] = &[
    change!(Object, "/spec/upgradeStrategy", [
        {"type": "None"}, {"type": "NewCluster"}, {"type": "none"}, {"type": ""}, {"type": "NewClusterWithIncrementalUpgrade"},
        {"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions":
            {"maxSurgePercent": 100, "stepSizePercent": 20, "intervalSeconds": 5, "gatewayClassName": "istio"}},
        {"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions":
            {"maxSurgePercent": 101, "stepSizePercent": 20, "intervalSeconds": 5, "gatewayClassName": "istio"}},
        {"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions":
            {"maxSurgePercent": 10, "stepSizePercent": 20, "intervalSeconds": 5, "gatewayClassName": "istio"}},
        {"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions":
            {"maxSurgePercent": 100, "intervalSeconds": 0, "gatewayClassName": ""}},
    ]),
    change!(Object, "/spec/rayClusterDeletionDelaySeconds", [-1, 0, 60]),
    change!(Object, "/spec/serveConfigV2", ["", "x", "applications: []"]),
];

const OF_CRON_JOBS: &[Change] = &[
    change!(
        Object,
        "/spec/schedule",
        [
            "*/5 * * * *",
            "@daily",
            "@every 1h",
            "",
            "* * * *",
            "0 24 * * *",
            "60 * * * *",
            "@reboot",
            "@every x",
            "CRON_TZ=UTC 0 0 * * *",
            "TZ=Nowhere 0 0 * * *",
            "0 0 L * *",
            "0 0 * jan mon",
            "0 0 * * 7",
            "*/0 * * * *",
        ]
    ),
    change!(
        Object,
        "/spec/timeZone",
        ["UTC", "Europe/Berlin", "europe/berlin", "", "Mars/Olympus", "../UTC"]
    ),
    change!(Object, "/spec/suspend", [true, false]),
];

fn cluster() -> Value {
    let pod = |name: &str| json!({"spec": {"containers": [{"name": name, "image": "rayproject/ray:2.52.1"}]}});
    let group = |name: &str| {
        json!({
            "groupName": name, "replicas": 1, "minReplicas": 1, "maxReplicas": 5, "numOfHosts": 1, "rayStartParams": {},
            "template": pod("ray-worker"),
        })
    };
    json!({
        "headGroupSpec": {"rayStartParams": {}, "template": pod("ray-head")},
        "workerGroupSpecs": [group("one"), group("two")],
    })
}

fn job() -> Value {
    json!({"entrypoint": "python train.py", "shutdownAfterJobFinishes": true, "ttlSecondsAfterFinished": 0, "rayClusterSpec": cluster()})
}

/// A valid object of a kind, and where the specs of its RayCluster and of its RayJob are.
fn valid(kind: &str) -> (Value, &'static str, &'static str) {
    let (spec, cluster, job) = match kind {
        "RayCluster" => (cluster(), "/spec", ""),
        "RayService" => (
            json!({"serveConfigV2": "applications: []", "rayClusterConfig": cluster()}),
            "/spec/rayClusterConfig",
            "",
        ),
        "RayCronJob" => (
            json!({"schedule": "0 3 * * *", "jobTemplate": job()}),
            "/spec/jobTemplate/rayClusterSpec",
            "/spec/jobTemplate",
        ),
        _ => (job(), "/spec/rayClusterSpec", "/spec"),
    };
    let object = json!({
        "apiVersion": "ray.io/v1", "kind": kind, "metadata": {"name": "train-7", "namespace": "team-a"}, "spec": spec,
    });
    (object, cluster, job)
}

/// So many objects of a kind.
pub fn objects(random: &mut Random, kind: &str, count: usize) -> Vec<Value> {
    (0..count).map(|_| object(random, kind)).collect()
}

fn object(random: &mut Random, kind: &str) -> Value {
    let (mut object, cluster, job) = valid(kind);
    let own = match kind {
        "RayCluster" => OF_CLUSTERS,
        "RayService" => OF_SERVICES,
        "RayCronJob" => OF_CRON_JOBS,
        _ => &[],
    };
    for _ in 0..random.below(4) {
        let changes = if !own.is_empty() && random.one_in(3) {
            own
        } else {
            CHANGES
        };
        let change = &changes[random.below(changes.len())];
        let base = match change.within {
            Within::Object => "",
            Within::Cluster => cluster,
            Within::Job => job,
        };
        if change.within == Within::Job && job.is_empty() {
            continue;
        }
        let mut values = (change.values)();
        let values = values.as_array_mut().expect("values are a list");
        let value = values.swap_remove(random.below(values.len()));
        set(&mut object, &format!("{base}{}", change.pointer), value);
    }
    object
}

/// Sets the value at a pointer whose parent is there; otherwise an earlier change has removed it.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match object.pointer_mut(parent) {
        Some(Value::Object(parent)) if value.is_null() => drop(parent.remove(key)),
        Some(Value::Object(parent)) => drop(parent.insert(key.to_owned(), value)),
        _ => {}
    }
}

/// Two specs of a RayCluster that differ at one place.
pub struct Pair {
    /// The one spec.
    pub first: Value,
    /// The other.
    pub second: Value,
    /// The place.
    pub pointer: &'static str,
}

/// So many pairs.
pub fn pairs(random: &mut Random, count: usize) -> Vec<Pair> {
    let changes: Vec<&Change> = CHANGES
        .iter()
        .filter(|change| change.within == Within::Cluster)
        .collect();
    let pair = |random: &mut Random| {
        let change = changes[random.below(changes.len())];
        let mut values = (change.values)();
        let values = values.as_array_mut().expect("values are a list");
        let value = values.swap_remove(random.below(values.len()));
        let first = object(random, "RayCluster")["spec"].take();
        let mut second = first.clone();
        set(&mut second, change.pointer, value);
        Pair {
            first,
            second,
            pointer: change.pointer,
        }
    };
    (0..count).map(|_| pair(random)).collect()
}
