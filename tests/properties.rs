//! Properties over generated objects of all kinds, reviews and policies: what Flyte sends, with any number of fields set to something
//! strange, and texts with pieces put in or left out.
//!
//! What admission rests on is tried on 10,000 cases a run: that a mutation is true, idempotent and grants nothing, that
//! what is not meant stays as it is, that the order of policies means nothing, that any bytes have an answer. What else
//! must hold is tried on 2,000. `PROPTEST_CASES=100000` tries each on so many. The seed is fixed,
//! so that a run says what the last one said; `PROPTEST_RNG_SEED` names another, and a failure names the one that brings it
//! back. `RAYGATE_PROPERTY_SECONDS` bounds the time of each property.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use raygate::admission::{Endpoint, Gate};
use raygate::engine::admit::{answer_as_is, answer_mutate, answer_validate};
use raygate::engine::compare::says_the_same;
use raygate::engine::{Bundle, Document, Operation, Outcome, Request, Verdict};
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::Kind;
use raygate::ray::kind::KINDS;
use serde_json::{Map, Value, json};

static SEEDS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
        .collect()
});

/// The shipped policies, and a set that uses every setting and forces some.
static BUNDLES: LazyLock<Vec<Bundle>> = LazyLock::new(|| {
    let full = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/full.yaml")).unwrap();
    let python = full.replace("readiness: Http", "readiness: Python");
    let wget = full.replace("readiness: Http", "readiness: Wget");
    let load = |text: &str| {
        let loaded = raygate::policy::load(&[Source::new("full.yaml", text)], &raygate::engine::bundle::known());
        let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
        assert!(loaded.is_usable(), "{}", errors.join("\n"));
        Bundle::new(loaded.set)
    };
    vec![Bundle::embedded(), load(&full), load(&python), load(&wget)]
});

/// The shipped policies with each set of the library, and the set with every setting with each way to be ready.
static SHIPPED: LazyLock<Vec<(String, Bundle)>> = LazyLock::new(|| {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let default = read(&policies.join("default.yaml"));
    let (_, default_policy) = default.split_once("\n---\n").expect("a Platform and a policy");
    let mut folders: Vec<_> = fs::read_dir(policies.join("library"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let sets = folders.iter().map(|folder| {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let own = read(&folder.join(format!("{name}.yaml")));
        // A set that has a Platform stands for the shipped one.
        let shipped = if own.contains("kind: Platform") {
            default_policy
        } else {
            &default
        };
        let sources = [Source::new("default.yaml", shipped), Source::new("own.yaml", &own)];
        let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
        assert!(loaded.is_usable(), "{name}: {:?}", loaded.diagnostics);
        (name.to_owned(), Bundle::new(loaded.set))
    });
    let mut sets: Vec<_> = sets.collect();
    assert!(sets.len() >= 15, "{} sets", sets.len());
    let full = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/full.yaml"));
    for readiness in ["Http", "Python", "Wget", "KubeRay"] {
        let text = full.replace("readiness: Http", &format!("readiness: {readiness}"));
        let loaded = raygate::policy::load(&[Source::new("full.yaml", &text)], &raygate::engine::bundle::known());
        assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
        sets.push((format!("full, {readiness}"), Bundle::new(loaded.set)));
    }
    sets.push(("shipped".to_owned(), Bundle::embedded()));
    sets
});

/// What injectors and repairs act on together: queues, accelerators, commands, ports, other containers. They are put into
/// RayJobs after all else.
static PARTS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    let container = "?/template/spec/containers/0";
    let devices = [
        "nvidia.com/gpu",
        "nvidia.com/mig-1g.5gb",
        "nvidia.com/gpu.shared",
        "amd.com/gpu",
        "gpu.intel.com/i915",
        "gpu.intel.com/xe",
        "habana.ai/gaudi",
        "google.com/tpu",
        "aws.amazon.com/neuron",
        "aws.amazon.com/neuroncore",
        "huawei.com/Ascend910",
        "rebellions.ai/ATOM",
        "furiosa.ai/rngd",
        "volcano.sh/vgpu-number",
        "example.com/thing",
    ];
    let limits = |device: &str| json!({"limits": {device: "4"}});
    let mut parts: Vec<(&'static str, Value)> = Vec::new();
    let mut add = |path: String, value: Value| parts.push((path.leak(), value));
    for device in devices {
        add(format!("{container}/resources"), limits(device));
        add(
            format!("{container}/resources"),
            json!({"requests": {device: "4", "memory": "1Gi"}}),
        );
    }
    for (path, value) in [
        ("metadata/labels/kueue.x-k8s.io~1queue-name", json!("queue")),
        ("metadata/labels/kai.scheduler~1queue", json!("queue")),
        ("metadata/labels/ray.io~1scheduler-name", json!("volcano")),
        ("metadata/annotations/ray.io~1overwrite-container-cmd", json!("true")),
        ("spec/clusterSelector", json!({"ray.io/cluster": "shared"})),
        ("spec/submissionMode", json!("SidecarMode")),
        ("spec/submissionMode", json!("HTTPMode")),
        ("spec/shutdownAfterJobFinishes", json!(false)),
        (
            "spec/submitterPodTemplate",
            json!({"spec": {"containers": [{"name": "s", "image": "ray", "resources": {"limits": {"memory": "100Mi"}}}]}}),
        ),
        ("spec/entrypointNumGpus", json!(2)),
        ("spec/entrypointNumCpus", json!(6)),
        ("spec/rayClusterSpec/enableInTreeAutoscaling", json!(true)),
        ("spec/rayClusterSpec/rayVersion", json!("2.9.0")),
        ("spec/rayClusterSpec/workerGroupSpecs", json!([])),
        ("?/rayStartParams", json!({"num-gpus": "8"})),
        ("?/rayStartParams", json!({"num-cpus": "0"})),
        ("?/rayStartParams", json!({"object-store-memory": "4000000000"})),
        (
            "?/rayStartParams",
            json!({"dashboard-port": "8300", "dashboard-agent-listen-port": "9001"}),
        ),
        ("?/resources", json!({"CPU": "4", "GPU": "2"})),
        (
            "?/template/spec/resources",
            json!({"limits": {"memory": "16Gi", "cpu": "4"}}),
        ),
        ("?/template/spec/runtimeClassName", json!("nvidia")),
        (
            "?/template/spec/nodeSelector",
            json!({"cloud.google.com/gke-tpu-topology": "2x4"}),
        ),
        (
            "?/template/spec/containers/0/command",
            json!(["bash", "-c", "ray start --head --block"]),
        ),
        (
            "?/template/spec/containers/0/ports",
            json!([{"containerPort": 8265, "name": "dashboard"}, {"containerPort": 6379}]),
        ),
        (
            "?/template/spec/containers/0/securityContext",
            json!({"runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}}),
        ),
        (
            "?/template/spec/containers/0/resources",
            json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}),
        ),
        (
            "?/template/spec/containers/0/resources",
            json!({"requests": {"memory": "900Mi", "cpu": "500m"}}),
        ),
        (
            "?/template/spec/containers/0/resources",
            json!({"limits": {"memory": "16Gi"}}),
        ),
        (
            "?/template/spec/containers/0/resources",
            json!({"limits": {"cpu": "8"}}),
        ),
        (
            "?/template/spec/containers/0/resources",
            json!({"requests": {"cpu": "8", "memory": "2Gi"}}),
        ),
        (
            "?/template/spec/containers",
            json!([{"name": "logs", "image": "fluent/fluent-bit:3"}, {"name": "main", "image": "rayproject/ray:2.52.1"}]),
        ),
        (
            "?/template/spec/containers",
            json!([{"name": "logs", "image": "logs:1"}, {"name": "main", "image": "rayproject/ray:2.52.1"}]),
        ),
        (
            "?/template/spec/volumes",
            json!([{"name": "shared-mem", "emptyDir": {}}]),
        ),
        (
            "?/template/spec/initContainers",
            json!([{"name": "raygate-wget", "image": "x"}]),
        ),
    ] {
        add(path.to_owned(), value);
    }
    parts
});

/// What the deployment of a RayService asks of Ray.
const DEPLOYMENTS: &[&str] = &[
    "",
    "ray_actor_options: {num_cpus: 1}",
    "ray_actor_options: {num_cpus: 4}",
    "ray_actor_options: {num_cpus: 0, num_gpus: 2}",
    "ray_actor_options: {memory: 8000000000}",
    "ray_actor_options: {num_cpus: 2, num_gpus: 1, memory: 6000000000}",
    "placement_group_bundles: [{CPU: 1}, {CPU: 6, memory: 9000000000}]",
    "placement_group_bundles: [{CPU: 3}, {CPU: 3, GPU: 8}], placement_group_strategy: STRICT_PACK",
];

/// The shipped policies without and with one in Preview that changes and refuses much.
static PREVIEWED: LazyLock<[Bundle; 2]> = LazyLock::new(|| {
    let full = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/full.yaml")).unwrap();
    let next = full
        .split("---\n")
        .find(|document| document.contains("mode: Preview"))
        .expect("full.yaml has a policy in Preview");
    let shipped = Source::new("default.yaml", raygate::engine::bundle::EMBEDDED[0].1);
    let load = |sources: &[Source]| {
        let loaded = raygate::policy::load(sources, &raygate::engine::bundle::known());
        assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
        Bundle::new(loaded.set)
    };
    [
        load(std::slice::from_ref(&shipped)),
        load(&[shipped, Source::new("next.yaml", next)]),
    ]
});

/// The same documents in many orders and under many names of files; and policies none of which is for these RayJobs.
static ORDERS: LazyLock<Vec<Bundle>> = LazyLock::new(|| {
    let full = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/full.yaml")).unwrap();
    let documents: Vec<&str> = full
        .split("---\n")
        .filter(|document| document.contains("kind:"))
        .collect();
    assert!(documents.len() > 2);
    let load = |order: &[usize]| {
        let sources: Vec<Source> = order
            .iter()
            .enumerate()
            .map(|(position, document)| Source::new(&format!("{position}.yaml"), documents[*document]))
            .collect();
        let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
        assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
        Bundle::new(loaded.set)
    };
    let forwards: Vec<usize> = (0..documents.len()).collect();
    let mut orders = vec![forwards.clone(), forwards.iter().rev().copied().collect()];
    for turn in 1..documents.len() {
        let mut order = forwards.clone();
        order.rotate_left(turn);
        orders.push(order);
    }
    orders.iter().map(|order| load(order)).collect()
});

static ELSEWHERE: LazyLock<Bundle> = LazyLock::new(|| {
    let full = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/full.yaml")).unwrap();
    let nowhere = regex::Regex::new(r"(?m)^  match: .*$")
        .unwrap()
        .replace_all(&full, "  match: {namespaces: [nowhere]}");
    let loaded = raygate::policy::load(&[Source::new("p.yaml", &nowhere)], &raygate::engine::bundle::known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{}", errors.join("\n"));
    Bundle::new(loaded.set)
});

/// Fields that rules look at. `*` is any position, `?` any group of pods.
const FIELDS: &[&str] = &[
    "metadata/name",
    "metadata/generateName",
    "metadata/labels",
    "metadata/labels/kueue.x-k8s.io~1queue-name",
    "metadata/annotations",
    "metadata/annotations/raygate.dev~1skip",
    "metadata/annotations/ray.io~1overwrite-container-cmd",
    "spec",
    "spec/suspend",
    "spec/shutdownAfterJobFinishes",
    "spec/ttlSecondsAfterFinished",
    "spec/activeDeadlineSeconds",
    "spec/preRunningDeadlineSeconds",
    "spec/backoffLimit",
    "spec/submissionMode",
    "spec/entrypoint",
    "spec/entrypointNumCpus",
    "spec/entrypointNumGpus",
    "spec/clusterSelector",
    "spec/deletionStrategy",
    "spec/runtimeEnvYAML",
    "spec/jobId",
    "spec/rayClusterSpec",
    "spec/rayClusterSpec/rayVersion",
    "spec/rayClusterSpec/enableInTreeAutoscaling",
    "spec/rayClusterSpec/workerGroupSpecs",
    "spec/rayClusterSpec/workerGroupSpecs/*/groupName",
    "spec/rayClusterSpec/workerGroupSpecs/*/replicas",
    "spec/rayClusterSpec/workerGroupSpecs/*/minReplicas",
    "spec/rayClusterSpec/workerGroupSpecs/*/maxReplicas",
    "spec/rayClusterSpec/workerGroupSpecs/*/numOfHosts",
    "?/rayStartParams",
    "?/rayStartParams/num-gpus",
    "?/rayStartParams/num-cpus",
    "?/rayStartParams/memory",
    "?/rayStartParams/object-store-memory",
    "?/rayStartParams/resources",
    "?/rayStartParams/dashboard-host",
    "?/rayStartParams/dashboard-port",
    "?/rayStartParams/dashboard-agent-listen-port",
    "?/rayStartParams/plasma-directory",
    "?/resources",
    "?/labels",
    "?/template",
    "?/template/spec",
    "?/template/metadata",
    "?/template/spec/resources",
    "?/template/spec/runtimeClassName",
    "?/template/spec/nodeSelector",
    "?/template/spec/tolerations",
    "?/template/spec/affinity",
    "?/template/spec/volumes",
    "?/template/spec/restartPolicy",
    "?/template/spec/initContainers",
    "?/template/spec/containers",
    "?/template/spec/containers/*",
    "?/template/spec/containers/*/name",
    "?/template/spec/containers/*/image",
    "?/template/spec/containers/*/env",
    "?/template/spec/containers/*/volumeMounts",
    "?/template/spec/containers/*/ports",
    "?/template/spec/containers/*/command",
    "?/template/spec/containers/*/livenessProbe",
    "?/template/spec/containers/*/readinessProbe",
    "?/template/spec/containers/*/resources",
    "?/template/spec/containers/*/resources/limits",
    "?/template/spec/containers/*/resources/limits/memory",
    "?/template/spec/containers/*/resources/limits/cpu",
    "?/template/spec/containers/*/resources/limits/nvidia.com~1gpu",
    "?/template/spec/containers/*/resources/limits/nvidia.com~1mig-1g.5gb.me",
    "?/template/spec/containers/*/resources/requests",
    "?/template/spec/containers/*/resources/requests/memory",
    "?/template/spec/containers/*/resources/requests/nvidia.com~1gpu",
    "?/template/spec/containers/*/resources/requests/google.com~1tpu",
    "?/template/spec/containers/*/resources/requests/cpu",
    "?/template/spec/containers/*/resources/limits/google.com~1tpu",
    "?/template/spec/containers/*/resources/limits/aws.amazon.com~1neuroncore",
    "?/template/spec/containers/*/resources/limits/habana.ai~1gaudi",
    "?/template/spec/containers/*/resources/limits/huawei.com~1Ascend910",
    "?/template/spec/containers/*/resources/limits/gpu.intel.com~1i915",
    "?/template/spec/containers/*/resources/limits/amd.com~1gpu",
    "?/template/spec/containers/*/securityContext",
];

const GROUPS: &[&str] = &[
    "spec/rayClusterSpec/headGroupSpec",
    "spec/rayClusterSpec/workerGroupSpecs/0",
    "spec/rayClusterSpec/workerGroupSpecs/1",
];

/// Values that are sometimes right and often not.
static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(300),
        json!(i64::MAX),
        json!(1.5),
        json!(""),
        json!("0"),
        json!("1"),
        json!("2"),
        json!("500m"),
        json!("1500m"),
        json!("-1"),
        json!("500Mi"),
        json!("8Gi"),
        json!("1e400"),
        json!("true"),
        json!("false"),
        json!("gpu-workers"),
        json!("head"),
        json!("ray-head"),
        json!("ray-worker"),
        json!("HTTPMode"),
        json!("SidecarMode"),
        json!("K8sJobmode"),
        json!("Always"),
        json!("127.0.0.1"),
        json!("lifecycle,readiness"),
        json!("$(nproc)"),
        json!("4"),
        json!("'{\"HPU\": 2}'"),
        json!({"limits": {"habana.ai/gaudi": "2"}}),
        json!({"limits": {"gpu.intel.com/i915": "2"}}),
        json!({"requests": {"memory": "16Gi"}}),
        json!("already exists exceeded quota\nrequested: x"),
        json!("é\u{202e}`\u{0}"),
        json!("x".repeat(300)),
        json!([]),
        json!({}),
        json!([null, 1, "x"]),
        json!({"a": {"b": []}}),
        json!([{"name": "logs", "image": "logs"}, {"name": "ray-head", "image": "ray"}, {"name": "ray-worker", "image": "ray"}]),
        json!([{"name": "init", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]),
        json!([{"name": "shared-mem", "hostPath": {"path": "/x"}}]),
        json!([{"name": "shared-mem", "emptyDir": {"medium": "Memory"}}]),
        json!([{"name": "shm", "mountPath": "/dev/shm/"}]),
        json!([{"name": "shm", "mountPath": "/dev/shm"}, {"name": "b", "mountPath": "/dev//shm"}]),
        json!([{"operator": "Exists"}]),
        json!([{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]),
        json!({"nvidia.com/gpu.product": "NVIDIA-L4"}),
        json!({"cpu": "1", "memory": "1Gi"}),
        json!({"nvidia.com/gpu": "1"}),
        json!({"requests": {"cpu": "100m", "memory": "500Mi"}}),
        json!({"ray.io/cluster": "other"}),
        json!({"onSuccess": {"policy": "DeleteNone"}, "onFailure": {"policy": "DeleteCluster"}}),
        json!({"exec": {"command": ["true"]}}),
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-A100-SXM4-80GB"]}]}]}}}),
        json!([{"containerPort": 6379}, {"containerPort": 6379, "protocol": "UDP"}, {"containerPort": 8265, "name": "x"}]),
    ]
});

/// Puts a value at a path, and what is missing above it.
fn put(document: &mut Value, path: &str, value: Value) {
    let mut here = document;
    let steps: Vec<String> = path.split('/').map(|step| step.replace("~1", "/")).collect();
    for (position, step) in steps.iter().enumerate() {
        let is_last = position + 1 == steps.len();
        if let (Ok(index), true) = (step.parse::<usize>(), here.is_array()) {
            let Some(items) = here.as_array_mut() else { return };
            if index >= items.len() {
                items.push(json!({}));
            }
            let last = items.len() - 1;
            here = &mut items[index.min(last)];
        } else {
            if !here.is_object() {
                *here = json!({});
            }
            let Some(map) = here.as_object_mut() else { return };
            here = map.entry(step.clone()).or_insert_with(|| Value::Object(Map::new()));
        }
        if is_last {
            *here = value;
            return;
        }
    }
}

fn rayjobs() -> impl Strategy<Value = Value> {
    let edit = (0..FIELDS.len(), 0..GROUPS.len(), 0..3usize, 0..VALUES.len());
    (0..SEEDS.len(), prop::collection::vec(edit, 0..8)).prop_map(|(seed, edits)| {
        let mut object = SEEDS[seed].clone();
        for (field, group, index, value) in edits {
            let path = FIELDS[field]
                .replace('?', GROUPS[group])
                .replace('*', &index.to_string());
            put(&mut object, &path, VALUES[value].clone());
        }
        object
    })
}

/// Objects of all kinds, made of RayJobs as [`rayjobs`] makes them.
fn objects() -> impl Strategy<Value = Value> {
    (rayjobs(), 0..KINDS.len()).prop_map(|(job, kind)| as_kind(kind, &job))
}

/// Objects of all kinds with up to three of [`PARTS`], each in one group or in all. A RayService has one of [`DEPLOYMENTS`].
fn assembled() -> impl Strategy<Value = Value> {
    let parts = prop::collection::vec((0..PARTS.len(), 0..=GROUPS.len()), 0..4);
    (rayjobs(), parts, 0..KINDS.len(), 0..DEPLOYMENTS.len()).prop_map(|(mut job, parts, kind, deployment)| {
        for (part, group) in parts {
            let (path, value) = &PARTS[part];
            let groups = GROUPS.get(group..=group).unwrap_or(GROUPS);
            for group in groups {
                put(&mut job, &path.replace('?', group), value.clone());
            }
        }
        let mut object = as_kind(kind, &job);
        if object["kind"] == "RayService" {
            put(&mut object, "spec/serveConfigV2", serve_config(DEPLOYMENTS[deployment]));
        }
        object
    })
}

/// A `serveConfigV2` with one deployment that has these options.
fn serve_config(options: &str) -> Value {
    json!(format!(
        "applications: [{{name: a, import_path: 'a:b', deployments: [{{name: D, {options}}}]}}]"
    ))
}

/// Two objects of one kind.
fn pairs() -> impl Strategy<Value = (Value, Value)> {
    (rayjobs(), rayjobs(), 0..KINDS.len()).prop_map(|(one, other, kind)| (as_kind(kind, &one), as_kind(kind, &other)))
}

fn as_kind(kind: usize, job: &Value) -> Value {
    KINDS[kind].from_job(tree(job).root())
}

fn tree(object: &Value) -> Tree<'static> {
    Tree::of(object).unwrap()
}

fn request(object: &Value, operation: Operation, old: Option<&Value>) -> Request<'static> {
    Request {
        operation,
        namespace: "mlplatform-production".into(),
        user: "system:serviceaccount:flyte:flytepropeller".into(),
        object: tree(object),
        old: old.map(tree),
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    }
}

fn mutate(bundle: &Bundle, object: &Value) -> Outcome<'static> {
    answer_mutate(bundle, request(object, Operation::Create, None))
}

fn forget_received(object: &mut Value) {
    let annotations = object["metadata"].get_mut("annotations");
    let Some(applied) = annotations.and_then(|annotations| annotations.get_mut("raygate.dev/applied")) else {
        return;
    };
    let mut record: Value = serde_json::from_str(applied.as_str().unwrap()).unwrap();
    record.as_object_mut().unwrap().remove("received");
    *applied = record.to_string().into();
}

fn denied(outcome: &Outcome<'_>) -> Vec<&'static str> {
    let denied = outcome.findings.iter().filter(|judged| judged.action == Action::Deny);
    denied.map(|judged| judged.static_code()).collect()
}

/// What a mutation makes of an object, and the codes that deny it only since.
fn made_worse(bundle: &Bundle, object: &Value) -> (Outcome<'static>, Vec<&'static str>) {
    let before = denied(&answer_as_is(bundle, request(object, Operation::Create, None)));
    let mutated = mutate(bundle, object);
    let after = answer_as_is(
        bundle,
        request(&mutated.document.value().to_value(), Operation::Create, None),
    );
    let new = denied(&after)
        .into_iter()
        .filter(|code| !before.contains(code))
        .collect();
    (mutated, new)
}

/// The lists of which a CRD of KubeRay 1.1 to 1.6 says `x-kubernetes-list-map-keys`, with those keys.
const LIST_KEYS: &[(&str, &[&str])] = &[
    ("claims", &["name"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("hostAliases", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ports", &["containerPort", "protocol"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
];

/// The keys that stand more than once in such a list.
fn doubled(object: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| walk(value, key, out)),
            Value::Array(items) => {
                let keys = LIST_KEYS.iter().find(|(list, _)| *list == at).map(|(_, keys)| *keys);
                let key = |item: &Value| -> String {
                    let parts = keys.unwrap_or_default().iter().map(|key| match (*key, item.get(key)) {
                        ("protocol", None) => "\"TCP\"".to_owned(),
                        (_, value) => value.unwrap_or(&Value::Null).to_string(),
                    });
                    parts.collect::<Vec<_>>().join(" ")
                };
                let mut seen: Vec<String> = match keys {
                    Some(_) => items.iter().filter(|item| item.is_object()).map(key).collect(),
                    None => vec![],
                };
                seen.sort_unstable();
                let pairs = seen.windows(2).filter(|pair| pair[0] == pair[1]);
                out.extend(pairs.map(|pair| format!("{at} {}", pair[0])));
                items.iter().for_each(|value| walk(value, at, out));
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(object, "", &mut out);
    out
}

/// How often a document grants what no injector may grant.
fn privileges(object: &Value) -> usize {
    let own = match object {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                "hostPath" | "serviceAccountName" | "serviceAccount" => 1,
                "hostNetwork" | "hostPID" | "hostIPC" | "privileged" => usize::from(value == &json!(true)),
                "hostPort" => usize::from(value != &json!(0)),
                "add" => 1,
                _ => 0,
            })
            .sum(),
        _ => 0,
    };
    own + match object {
        Value::Object(map) => map.values().map(privileges).sum(),
        Value::Array(items) => items.iter().map(privileges).sum(),
        _ => 0,
    }
}

/// Every leaf of a document with the keys that lead to it; positions in lists do not count.
fn leaves(value: &Value, at: &mut Vec<String>, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                at.push(key.clone());
                leaves(value, at, out);
                at.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => items.iter().for_each(|value| leaves(value, at, out)),
        leaf => out.push((at.join("/"), leaf.to_string())),
    }
}

static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(Bundle::embedded()));

/// What the shipped policies answer to a review.
fn answer(endpoint: Endpoint, review: &[u8]) -> Value {
    let answer = GATE.answer(endpoint, review, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// What is put in place of a piece of a text.
const PIECES: &[&[u8]] = &[
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"-",
    b"1e999",
    b"99999999999999999999",
    b"&a",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"---\n",
    b"\t",
    b"\r\n",
    b"# ",
    b"| \n",
    b"'",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"%",
    b"@",
    b"\xe2\x80\xae",
];

/// Where a text is torn, for how many bytes, and what comes there.
fn tears() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, usize)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, 0..PIECES.len()), 1..5)
}

fn torn(mut bytes: Vec<u8>, tears: &[(prop::sample::Index, usize, usize)]) -> Vec<u8> {
    for (at, length, piece) in tears {
        let start = at.index(bytes.len() + 1);
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, PIECES[*piece].iter().copied());
    }
    bytes
}

/// The seed of the first batch of a run that names none.
const SEED: u64 = 20_261_126;

/// How many cases come from one seed, so that a seed brings a failure back within so many.
const BATCH: u64 = 100;

/// How long a property is tried in a run that does not say, in seconds.
const SECONDS: u64 = 120;

/// Seeds whose batches failed once. They are tried before all others.
const KEPT: &[(&str, u64)] = &[
    // num-gpus, set for a Gaudi, which RG311 then denied.
    ("mutation_makes_nothing_worse", 20_261_130),
    // One CPU, set by RG206, was too few for entrypointNumCpus: RG706.
    ("mutation_makes_nothing_worse", 20_261_348),
];

/// A number from the environment.
fn from_environment(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is no whole number: {value}")),
    )
}

/// Tries a property on so many cases, batch by batch, until its time is up. Time decides how much is tried, never whether
/// what was tried passes.
fn hold<S: Strategy>(name: &str, cases: u64, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let cases = from_environment("PROPTEST_CASES").unwrap_or(cases);
    let first = from_environment("PROPTEST_RNG_SEED").unwrap_or(SEED);
    let time = Duration::from_secs(from_environment("RAYGATE_PROPERTY_SECONDS").unwrap_or(SECONDS));
    let try_batch = |seed: u64, cases: u64| {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: u32::try_from(cases).unwrap(),
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        if let Err(error) = runner.run(strategy, &test) {
            panic!("{name} fails with PROPTEST_RNG_SEED={seed} PROPTEST_CASES={BATCH}: {error}");
        }
    };
    println!("{name}: {cases} cases from seed {first}");
    for (_, seed) in KEPT.iter().filter(|(property, _)| *property == name) {
        try_batch(*seed, BATCH);
    }
    let started = Instant::now();
    for (seed, done) in (first..).zip((0..cases).step_by(usize::try_from(BATCH).unwrap())) {
        if started.elapsed() > time {
            println!("{name}: {done} of {cases} cases tried in {} seconds", time.as_secs());
            break;
        }
        try_batch(seed, BATCH.min(cases - done));
    }
}

/// Tests of properties: how many cases each is tried on, and what must hold of the values that strategies make.
macro_rules! properties {
    ($cases:expr; $($(#[$attribute:meta])* fn $name:ident($($value:ident in $strategy:expr),+ $(,)?) $body:block)+) => {$(
        $(#[$attribute])*
        fn $name() {
            hold(stringify!($name), $cases, &($($strategy,)+), |($($value,)+)| {
                $body
                Ok(())
            });
        }
    )+};
}

/// A field that no release of KubeRay or Kubernetes has yet.
const LATER: &str = "xLater";

/// Fields that hold an object, or a list of them. What stands where the API server allows no object may be replaced whole.
const STRUCTURES: &[&str] = &[
    "metadata",
    "spec",
    "rayClusterSpec",
    "rayClusterConfig",
    "jobTemplate",
    "headGroupSpec",
    "workerGroupSpecs",
    "template",
    "submitterPodTemplate",
    "submitterConfig",
    "autoscalerOptions",
    "gcsFaultToleranceOptions",
    "deletionStrategy",
    "containers",
    "initContainers",
    "env",
    "valueFrom",
    "envFrom",
    "volumes",
    "volumeMounts",
    "emptyDir",
    "hostPath",
    "tolerations",
    "affinity",
    "nodeAffinity",
    "securityContext",
    "lifecycle",
    "readinessProbe",
    "livenessProbe",
    "startupProbe",
    "exec",
    "httpGet",
    "ports",
    "ownerReferences",
];

/// The places of the objects of a document that have fields, as JSON pointers.
fn structures(value: &Value, pointer: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            out.push(pointer.to_owned());
            for (key, value) in map.iter().filter(|(key, _)| STRUCTURES.contains(&key.as_str())) {
                structures(value, &format!("{pointer}/{key}"), out);
            }
        }
        Value::Array(items) => {
            for (position, value) in items.iter().enumerate() {
                structures(value, &format!("{pointer}/{position}"), out);
            }
        }
        _ => {}
    }
}

/// Takes what [`LATER`] names out of a document again, and says how much that was.
fn without_later(value: &mut Value) -> usize {
    match value {
        Value::Object(map) => {
            let own = usize::from(map.remove(LATER).is_some());
            own + map.values_mut().map(without_later).sum::<usize>()
        }
        Value::Array(items) => items.iter_mut().map(without_later).sum(),
        _ => 0,
    }
}

properties! {
    10_000;

    /// raygate never rejects its own output: under each set of policies, what a mutation makes of an object is denied for
    /// nothing that the object was not denied for, and stays as it is when it comes again.
    #[test]
    fn its_own_output_is_never_rejected(
        object in assembled(), set in 0..SHIPPED.len(),
    ) {
        let (name, bundle) = &SHIPPED[set];
        let (mutated, new) = made_worse(bundle, &object);
        prop_assert!(new.is_empty(), "{}: {:?} after the mutation", name, new);
        let once = mutated.document.value().to_value();
        let again = mutate(bundle, &once);
        prop_assert!(!again.document.is_changed(), "{}: {:?}", name, again.changes);
    }

    /// Fields that raygate does not know survive wherever they stand, and change nothing of what it does.
    #[test]
    fn fields_of_a_later_release_survive(
        object in objects(), bundle in 0..4usize, picks in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let mut places = Vec::new();
        structures(&object, "", &mut places);
        let mut later = object.clone();
        for pick in picks {
            let place = later.pointer_mut(&places[pick.index(places.len())]).and_then(Value::as_object_mut).unwrap();
            place.insert(LATER.to_owned(), json!({"kept": [1, {"y": null}]}));
        }
        let mut mutated = mutate(&BUNDLES[bundle], &later).document.value().to_value();
        prop_assert_eq!(without_later(&mut mutated), without_later(&mut later));
        let mut plain = mutate(&BUNDLES[bundle], &object).document.value().to_value();
        // The record's fingerprints are those of what was received, later fields too.
        for object in [&mut mutated, &mut plain] {
            forget_received(object);
        }
        prop_assert_eq!(mutated, plain);
    }

    /// Both patches lead from the object to what the engine made of it; applied again, nothing changes. Nothing is granted
    /// that was not there, and no list key doubled.
    #[test]
    fn a_mutation_is_true_idempotent_and_grants_nothing(object in objects(), bundle in 0..4usize) {
        let bundle = &BUNDLES[bundle];
        let once = mutate(bundle, &object);
        let mut replayed = object.clone();
        for patch in [once.document.patch(), once.document.cheapest_patch()] {
            let patch: json_patch::Patch = serde_json::from_value(serde_json::to_value(patch).unwrap()).unwrap();
            replayed = object.clone();
            prop_assert!(json_patch::patch(&mut replayed, &patch).is_ok(), "{:?}", patch);
            prop_assert_eq!(&replayed, &once.document.value().to_value());
        }
        prop_assert!(privileges(&replayed) <= privileges(&object));
        prop_assert_eq!(doubled(&replayed), doubled(&object));
        let twice = mutate(bundle, &replayed);
        prop_assert!(!twice.document.is_changed(), "{}", serde_json::to_string(&twice.document.patch()).unwrap());
    }

    /// Both endpoints answer every review with its uid, whatever the object is, in words that steer nothing.
    #[test]
    fn every_review_is_answered(pair in pairs(), update in any::<bool>(), validate in any::<bool>()) {
        let (object, old) = pair;
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "u-1", "kind": {"group": "ray.io", "version": "v1", "kind": object["kind"]},
                "operation": if update { "UPDATE" } else { "CREATE" }, "namespace": "a", "name": "b",
                "userInfo": {"username": "c"}, "object": object, "oldObject": if update { old } else { Value::Null },
            },
        });
        let endpoint = if validate { Endpoint::Validate } else { Endpoint::Mutate };
        let body = answer(endpoint, review.to_string().as_bytes());
        prop_assert_eq!(&body["response"]["uid"], "u-1");
        prop_assert_eq!(body["response"].get("patch").is_some(), body["response"].get("patchType").is_some());
        let message = body["response"]["status"]["message"].as_str().unwrap_or_default().to_lowercase();
        for steering in ["exceeded quota", "already exists", "requested:", "limited:", "etcdserver:", "\n"] {
            prop_assert!(!message.contains(steering), "{}", message);
        }
    }

    /// The order of files and their names decide nothing: the same digest, and the same object.
    #[test]
    fn the_order_of_policies_changes_no_object(object in objects(), order in 0..16usize) {
        let (first, other) = (&ORDERS[0], &ORDERS[order % ORDERS.len()]);
        prop_assert_eq!(first.digest(), other.digest());
        // The record in the annotation names the files, and they have other names here.
        let without = |mut object: Value| {
            if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                annotations.remove("raygate.dev/applied");
            }
            object
        };
        let [one, two] = [first, other].map(|bundle| without(mutate(bundle, &object).document.value().to_value()));
        prop_assert_eq!(one, two);
    }

    /// The order of files and their names decide nothing: the same verdict, for the same reasons.
    #[test]
    fn the_order_of_policies_changes_no_verdict(object in objects(), order in 0..16usize) {
        let found = |bundle: &Bundle| {
            let outcome = answer_validate(bundle, request(&object, Operation::Create, None));
            let findings = outcome.findings.iter().map(|judged| (judged.code().to_owned(), judged.finding.path.to_string()));
            (outcome.verdict, findings.collect::<Vec<_>>())
        };
        prop_assert_eq!(found(&ORDERS[0]), found(&ORDERS[order % ORDERS.len()]));
    }

    /// An object for which no policy is gets what a check repairs by itself and what the Platform says of accelerators;
    /// where that is nothing, it gets no patch at all.
    #[test]
    fn what_no_policy_is_for_is_left_alone(object in objects()) {
        let outcome = mutate(&ELSEWHERE, &object);
        prop_assert!(outcome.policies.is_empty());
        for change in &outcome.changes {
            prop_assert!(change.by.starts_with("RG") || change.by == "accelerators", "{} changed it", change.by);
        }
        if outcome.changes.is_empty() {
            prop_assert!(!outcome.document.is_changed());
            prop_assert_eq!(outcome.document.value().to_value(), object.clone());
        }
    }

    /// What is no RayJob, or no writing of one, passes as it is, whatever it says.
    #[test]
    fn what_is_not_ours_is_let_through_unchanged(object in rayjobs(), what in 0..5usize, validate in any::<bool>()) {
        let (group, resource, subresource, operation) = [
            ("ray.io", "rayclusterz", Value::Null, "CREATE"),
            ("ray.io.example.com", "rayjobs", Value::Null, "CREATE"),
            ("ray.io", "rayjobs", json!("status"), "UPDATE"),
            ("ray.io", "rayjobs", json!("scale"), "UPDATE"),
            ("ray.io", "rayjobs", Value::Null, "DELETE"),
        ][what].clone();
        let kind = if resource == "rayjobs" { "RayJob" } else { "RayClusterz" };
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "u-1", "kind": {"group": group, "version": "v1", "kind": kind},
                "resource": {"group": group, "version": "v1", "resource": resource}, "subResource": subresource,
                "operation": operation, "namespace": "mlplatform-production", "name": "b", "userInfo": {"username": "c"},
                "object": if operation == "DELETE" { Value::Null } else { object.clone() },
                "oldObject": if operation == "CREATE" { Value::Null } else { object },
            },
        });
        let endpoint = if validate { Endpoint::Validate } else { Endpoint::Mutate };
        let body = answer(endpoint, review.to_string().as_bytes());
        prop_assert_eq!(&body["response"]["allowed"], true, "{}", body);
        prop_assert!(body["response"].get("patch").is_none(), "{}", body);
    }

    /// A review of which pieces are missing, doubled or replaced is answered, or is refused as none.
    #[test]
    fn a_torn_review_is_answered_or_refused(object in rayjobs(), tears in tears(), validate in any::<bool>()) {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "u-1", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": "CREATE",
                "namespace": "a", "name": "b", "userInfo": {"username": "c"}, "object": object,
            },
        });
        let endpoint = if validate { Endpoint::Validate } else { Endpoint::Mutate };
        let torn = torn(review.to_string().into_bytes(), &tears);
        let answer = GATE.answer(endpoint, &torn, jiff::Timestamp::UNIX_EPOCH);
        prop_assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
        if answer.status == 200 {
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            prop_assert!(body["response"]["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
        }
    }

    /// A policy file of which pieces are missing, doubled or replaced is taken, or each thing wrong with it can be shown.
    #[test]
    fn a_torn_policy_is_loaded_or_explained(tears in tears()) {
        let bytes = torn(raygate::engine::bundle::EMBEDDED[0].1.as_bytes().to_vec(), &tears);
        let file = Source { name: "policy.yaml".to_owned(), bytes };
        let loaded = raygate::policy::load(&[file], &raygate::engine::bundle::known());
        for diagnostic in &loaded.diagnostics {
            prop_assert!(!diagnostic.message.is_empty());
            prop_assert!(diagnostic.render(&loaded.sources, false).contains(&*diagnostic.code));
            let line = diagnostic.concise(&loaded.sources);
            prop_assert!(!line.contains('\n') && line.starts_with("policy.yaml"), "{}", line);
        }
        if loaded.is_usable() {
            // What is taken works: it acts on a RayJob and accepts what it made of it.
            let bundle = Bundle::new(loaded.set);
            let once = mutate(&bundle, &SEEDS[0]).document.value().to_value();
            let validated = answer_validate(&bundle, request(&once, Operation::Create, None));
            prop_assert!(validated.changes.is_empty());
        }
    }
}

properties! {
    2_000;

    /// What the API server owns is left to it, and a field that raygate does not know survives.
    #[test]
    fn fields_of_others_are_left_alone(object in objects(), bundle in 0..4usize) {
        let mut object = object;
        let unknown = Kind::of(tree(&object).root()).head_path().keys(["template", "spec", "x-unknown"]).pointer();
        put(&mut object, &unknown[1..], json!({"kept": [1, {"y": null}]}));
        put(&mut object, "metadata/managedFields", json!([{"manager": "x"}]));
        put(&mut object, "metadata/ownerReferences", json!([{"uid": "x"}]));
        let after = mutate(&BUNDLES[bundle], &object).document.value().to_value();
        for key in ["managedFields", "ownerReferences", "finalizers", "resourceVersion", "name", "generateName"] {
            prop_assert_eq!(&after["metadata"][key], &object["metadata"][key]);
        }
        prop_assert_eq!(after.get("status"), object.get("status"));
        prop_assert_eq!(after.pointer(&unknown), object.pointer(&unknown));
    }

    /// What an object that is accepted as it is becomes is accepted too, and what can be repaired is.
    #[test]
    fn mutation_makes_nothing_worse(object in objects(), bundle in 0..4usize) {
        let bundle = &BUNDLES[bundle];
        let (mutated, new) = made_worse(bundle, &object);
        prop_assert!(new.is_empty(), "{:?} after the mutation", new);
        let after = answer_as_is(bundle, request(&mutated.document.value().to_value(), Operation::Create, None));
        for judged in &after.findings {
            // A repair that does not fit belongs to an object that the API server's schema refuses.
            let fits = judged.finding.repair.as_ref().is_some_and(|repair| {
                Document::new(mutated.document.tree().clone()).apply(repair.edits.clone()).is_ok()
            });
            prop_assert!(!fits || judged.action != Action::Deny, "{} was not repaired", judged.code());
        }
        let validated = answer_validate(bundle, request(&mutated.document.value().to_value(), Operation::Create, None));
        prop_assert!(validated.changes.is_empty());
        prop_assert_eq!(validated.verdict == Verdict::Deny, !denied(&after).is_empty());
    }

    /// Every finding leads to a field, or to one that is missing in something that is there.
    #[test]
    fn findings_lead_somewhere_and_say_something(object in objects(), bundle in 0..4usize) {
        let outcome = answer_as_is(&BUNDLES[bundle], request(&object, Operation::Create, None));
        for judged in &outcome.findings {
            prop_assert!(judged.finding.path.reaches(outcome.document.value()), "{} {}", judged.code(), judged.finding.path);
            prop_assert!(!judged.finding.message.is_empty() && !judged.finding.message.contains('\n'));
        }
    }

    /// Finalizers, owners, a deletion and the status never meet a refusal, whatever the object.
    #[test]
    fn an_unchanged_spec_is_never_refused(object in objects(), bundle in 0..4usize) {
        let mut new = object.clone();
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.insert("finalizers".to_owned(), json!(["ray.io/rayjob-finalizer"]));
            metadata.insert("deletionTimestamp".to_owned(), json!("2026-01-01T00:00:00Z"));
            metadata.remove("ownerReferences");
        }
        new["status"] = json!({"rayClusterName": "a-b"});
        for answer in [answer_mutate, answer_validate] {
            let outcome = answer(&BUNDLES[bundle], request(&new, Operation::Update, Some(&object)));
            prop_assert_eq!(outcome.verdict, Verdict::Allow);
            prop_assert!(!outcome.document.is_changed());
        }
    }

    /// A manifest whose mutated form is stored can be applied again at any time, under any policies, and changes nothing.
    #[test]
    fn applying_the_same_manifest_again_changes_nothing(
        object in objects(), bundle in 0..4usize, newer in 0..4usize, runs in any::<bool>(),
    ) {
        let mut stored = mutate(&BUNDLES[bundle], &object).document.value().to_value();
        if answer_validate(&BUNDLES[bundle], request(&stored, Operation::Create, None)).verdict != Verdict::Allow {
            return Ok(());
        }
        let mut again = object.clone();
        // The API server refuses annotations that are no object, where no record can stand.
        if !matches!(object["metadata"].get("annotations"), None | Some(Value::Null | Value::Object(_))) {
            return Ok(());
        }
        for object in [&mut stored, &mut again] {
            object["status"] = if runs { json!({"rayClusterName": "a-b"}) } else { Value::Null };
        }
        let update = |object: &Value| request(object, Operation::Update, Some(&stored));
        let mutated = answer_mutate(&BUNDLES[newer], update(&again)).document.value().to_value();
        prop_assert!(
            says_the_same(tree(&mutated["spec"]).root(), tree(&stored["spec"]).root()),
            "{:?}",
            json_patch::diff(&stored["spec"], &mutated["spec"])
        );
        let outcome = answer_validate(&BUNDLES[newer], update(&mutated));
        prop_assert_eq!(outcome.verdict, Verdict::Allow, "{:?}", denied(&outcome));
        prop_assert!(outcome.changes.is_empty());
    }

    /// What two webhook calls for an update do, a second pair does not do again, and what they accept adds nothing that
    /// is denied.
    #[test]
    fn an_update_is_idempotent_and_adds_nothing_that_is_denied(
        pair in pairs(), bundle in 0..4usize, runs in any::<bool>(),
    ) {
        let (old, new) = pair;
        let kind = Kind::of(tree(&new).root());
        let bundle = &BUNDLES[bundle];
        let mut old = mutate(bundle, &old).document.value().to_value();
        if runs {
            old["status"] = json!({"rayClusterName": "a-b"});
        }
        let update = |object: &Value| request(object, Operation::Update, Some(&old));
        let once = answer_mutate(bundle, update(&new)).document.value().to_value();
        let twice = answer_mutate(bundle, update(&once)).document.value().to_value();
        prop_assert_eq!(&once, &twice);
        let outcome = answer_validate(bundle, update(&once));
        prop_assert!(outcome.changes.is_empty());
        prop_assert!(outcome.verdict != Verdict::Retry);
        let resumes = kind.is_suspended(tree(&old).root()) && !kind.is_suspended(tree(&once).root());
        let is_edited = !says_the_same(tree(&old["spec"]).root(), tree(&once["spec"]).root());
        let is_judged = resumes || (kind.is_template() && !kind.is_suspended(tree(&once).root()) && is_edited);
        if outcome.verdict == Verdict::Allow && is_judged {
            let built = answer_as_is(bundle, request(&once, Operation::Create, None));
            prop_assert!(denied(&built).is_empty(), "KubeRay builds {:?}", denied(&built));
        }
    }

    /// A policy in Preview changes no byte of the patch, and neither verdict nor findings.
    #[test]
    fn a_preview_changes_nothing(pair in pairs(), update in any::<bool>(), validate in any::<bool>()) {
        let (object, old) = pair;
        let [without, with] = &*PREVIEWED;
        let (operation, old) = if update { (Operation::Update, Some(old)) } else { (Operation::Create, None) };
        let ask = || request(&object, operation, old.as_ref());
        let answer = if validate { answer_validate } else { answer_mutate };
        let (plain, previewed) = (answer(without, ask()), answer(with, ask()));
        let patch = |outcome: &Outcome| serde_json::to_string(&outcome.document.patch()).unwrap();
        let found = |outcome: &Outcome| format!("{:?}", outcome.findings);
        prop_assert_eq!(patch(&plain), patch(&previewed));
        prop_assert_eq!(found(&plain), found(&previewed));
        prop_assert_eq!(plain.verdict, previewed.verdict);
        prop_assert!(plain.previews.is_empty());
    }
}

/// Jobs that were accepted, and denied for what a mutation put into them.
#[test]
fn what_was_made_worse_once_is_not_any_more() {
    let worker = "spec/rayClusterSpec/workerGroupSpecs/0";
    let resources = format!("{worker}/template/spec/containers/0/resources");
    let cases = [
        // RG203 raised the limit to one byte, RG204 copied it: RG217.
        (
            &resources,
            json!({"requests": {"memory": "1"}, "limits": {"memory": "0"}}),
            json!(null),
        ),
        (&resources, json!({"requests": {"memory": "1"}}), json!(null)),
        // RG206 set one CPU: RG706.
        (&resources, json!({"requests": {"memory": "8Gi"}}), json!(300)),
        // num-gpus for devices that Ray does not call GPUs: RG311.
        (
            &resources,
            json!({"limits": {"memory": "8Gi", "cpu": "8", "habana.ai/gaudi": "8"}}),
            json!(null),
        ),
        (
            &resources,
            json!({"limits": {"memory": "8Gi", "cpu": "8", "huawei.com/Ascend910": "8"}}),
            json!(null),
        ),
        (
            &resources,
            json!({"limits": {"memory": "8Gi", "cpu": "8", "google.com/tpu": "4"}}),
            json!(null),
        ),
        (
            &resources,
            json!({"limits": {"memory": "8Gi", "cpu": "8", "aws.amazon.com/neuroncore": "2"}}),
            json!(null),
        ),
    ];
    for (bundle, (path, value, cpus)) in BUNDLES
        .iter()
        .flat_map(|bundle| cases.iter().map(move |case| (bundle, case)))
    {
        let mut object = SEEDS[0].clone();
        put(&mut object, path, value.clone());
        put(&mut object, "spec/entrypointNumCpus", cpus.clone());
        let (_, new) = made_worse(bundle, &object);
        assert!(new.is_empty(), "{value}: {new:?} after the mutation");
    }
}

/// A RayService whose replicas fit keeps pods into which they fit: no size that raygate writes is below what the object asks for.
#[test]
fn what_serve_asks_for_stands() {
    let groups = |resources: [Value; 2]| {
        let mut job = SEEDS[0].clone();
        let pods = [GROUPS[0], GROUPS[1]].into_iter().zip(resources);
        for (group, resources) in pods {
            put(&mut job, &format!("{group}/rayStartParams"), json!({}));
            put(
                &mut job,
                &format!("{group}/template/spec/containers/0/resources"),
                resources,
            );
        }
        job
    };
    let both = |resources: Value| groups([resources.clone(), resources]);
    let memory = json!({"limits": {"memory": "16Gi"}});
    let (cpus, bundles, bytes) = (DEPLOYMENTS[2], DEPLOYMENTS[6], DEPLOYMENTS[4]);
    let large = json!({"limits": {"cpu": "8", "memory": "16Gi"}});
    let small = json!({"limits": {"cpu": "2", "memory": "16Gi"}});
    let mig = json!({"limits": {"cpu": "8", "memory": "16Gi", "nvidia.com/gpu.shared": "1"}});
    let cases = [
        // RG206 set one CPU.
        (both(memory.clone()), cpus),
        (both(memory.clone()), bundles),
        (groups([small.clone(), memory]), cpus),
        // RG206 and RG204 set 4Gi.
        (both(json!({"limits": {"cpu": "8"}})), bytes),
        (both(json!({"requests": {"cpu": "8", "memory": "2Gi"}})), bytes),
        (both(json!({"requests": {"cpu": "8", "memory": "500Mi"}})), bytes),
        // A policy keeps work off the head.
        (groups([large, small]), cpus),
        // num-gpus counted fewer than the node may have.
        (both(mig), DEPLOYMENTS[3]),
    ];
    let kind = KINDS
        .iter()
        .position(|kind| kind.from_job(tree(&SEEDS[0]).root())["kind"] == "RayService")
        .unwrap();
    for (name, bundle) in SHIPPED.iter() {
        for (job, options) in &cases {
            let mut object = as_kind(kind, job);
            put(&mut object, "spec/serveConfigV2", serve_config(options));
            let (mutated, new) = made_worse(bundle, &object);
            assert!(new.is_empty(), "{name}, {options}: {new:?} after {:?}", mutated.changes);
        }
    }
}

/// What driver and devices ask for stands: a device of another kind than a GPU never sets `num-gpus`, nor do GPUs that are
/// fewer than the driver needs.
#[test]
fn num_gpus_is_set_for_gpus_alone() {
    let group = "/spec/rayClusterSpec/workerGroupSpecs/0";
    let set = |resource: &str, driver: i64| {
        let mut object = SEEDS[0].clone();
        let limits = json!({"limits": {"memory": "8Gi", "cpu": "8", resource: "2"}});
        put(
            &mut object,
            &format!("{}/template/spec/containers/0/resources", &group[1..]),
            limits,
        );
        put(&mut object, "spec/entrypointNumGpus", json!(driver));
        let after = mutate(&BUNDLES[0], &object).document.value().to_value();
        after.pointer(&format!("{group}/rayStartParams/num-gpus")).cloned()
    };
    assert_eq!(set("gpu.intel.com/i915", 2), Some(json!("2")));
    assert_eq!(set("gpu.intel.com/i915", 4), None);
    for (prefix, _) in raygate::ray::told::OWN_NAMES {
        let resource = if prefix.ends_with('/') {
            format!("{prefix}gaudi")
        } else {
            prefix.to_owned()
        };
        assert_eq!(set(&resource, 0), None, "{resource}");
    }
}

/// A job on an existing cluster gets no queue: Kueue would suspend it, and KubeRay rejects such a job when suspended.
#[test]
fn a_job_on_an_existing_cluster_gets_no_queue() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |path: &str| Source::new(path, &fs::read_to_string(policies.join(path)).unwrap());
    let sources = [read("default.yaml"), read("library/kueue/kueue.yaml")];
    let bundle = Bundle::new(raygate::policy::load(&sources, &raygate::engine::bundle::known()).set);
    let mut object = SEEDS[0].clone();
    let labels = |object: &Value| object["metadata"]["labels"].clone();
    let queued = mutate(&bundle, &object).document.value().to_value();
    assert!(labels(&queued).to_string().contains("kueue.x-k8s.io/queue-name"));
    put(&mut object, "spec/clusterSelector", json!({"ray.io/cluster": "shared"}));
    let (mutated, new) = made_worse(&bundle, &object);
    assert_eq!(labels(&mutated.document.value().to_value()), labels(&object));
    assert!(new.is_empty(), "{new:?}");
}

/// A sidecar first and an init container change nothing of what the checks of the Ray container say.
#[test]
fn a_sidecar_in_front_is_seen_through() {
    let bundle = &BUNDLES[0];
    for seed in &*SEEDS {
        let plain = mutate(bundle, seed).document.value().to_value();
        let mut object = seed.clone();
        for pointer in [
            "/spec/rayClusterSpec/headGroupSpec",
            "/spec/rayClusterSpec/workerGroupSpecs/0",
        ] {
            let containers = object
                .pointer_mut(&format!("{pointer}/template/spec/containers"))
                .unwrap();
            containers
                .as_array_mut()
                .unwrap()
                .insert(0, json!({"name": "logs", "image": "logs:1"}));
        }
        let mut mutated = mutate(bundle, &object).document.value().to_value();
        for pointer in [
            "/spec/rayClusterSpec/headGroupSpec",
            "/spec/rayClusterSpec/workerGroupSpecs/0",
        ] {
            let containers = mutated
                .pointer_mut(&format!("{pointer}/template/spec/containers"))
                .unwrap();
            let sidecar = containers.as_array_mut().unwrap().remove(1);
            assert_eq!(&sidecar["name"], "logs");
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        leaves(&plain["spec"], &mut Vec::new(), &mut a);
        leaves(&mutated["spec"], &mut Vec::new(), &mut b);
        assert_eq!(a, b);
    }
}
