//! Generated nodes and pods, and what raygate says of them by facts alone.

use std::sync::Arc;

use jiff::Timestamp;
use raygate::engine::admit::answer_as_is;
use raygate::engine::bundle::known;
use raygate::engine::{Bundle, Operation, Request};
use raygate::facts::{Facts, Known};
use raygate::json::Tree;
use raygate::policy::load::Source;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// The seed of the recorded answers.
pub const SEED: u64 = 23;
/// How many pods are tried on each set of nodes.
pub const PODS: usize = 50;
/// How many copies of one of them are tried together.
pub const COPIES: usize = 12;
/// The codes that say that no node can run a pod.
pub const CODES: [&str; 4] = ["RG801", "RG802", "RG803", "RG804"];

/// Nodes, and the pods that are tried on them.
pub struct World {
    /// The nodes.
    pub nodes: Vec<Value>,
    /// The `spec` of each pod.
    pub pods: Vec<Value>,
}

/// So many worlds. The same seed gives the same worlds, and more of them begin with the fewer.
pub fn worlds(seed: u64, count: usize) -> Vec<World> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|_| {
            let nodes = (0..2 + random.below(5)).map(|at| node(&mut random, at)).collect();
            let pods = (0..PODS).map(|_| pod(&mut random)).collect();
            World { nodes, pods }
        })
        .collect()
}

/// The SHA-256 over everything.
pub fn checksum(worlds: &[World]) -> String {
    let mut hash = Sha256::new();
    for object in worlds.iter().flat_map(|world| world.nodes.iter().chain(&world.pods)) {
        hash.update(format!("{object}\n"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

const LABELS: [(&str, &[&str]); 4] = [
    ("pool", &["cpu", "gpu", "large"]),
    ("topology.kubernetes.io/zone", &["a", "b"]),
    ("nvidia.com/gpu.product", &["NVIDIA-L4", "NVIDIA-A100-SXM4-80GB"]),
    ("generation", &["3", "7", "12"]),
];

const TAINTS: [(&str, &str, &str); 5] = [
    ("nvidia.com/gpu", "present", "NoSchedule"),
    ("team", "vision", "NoSchedule"),
    ("spot", "", "NoExecute"),
    ("quiet", "true", "PreferNoSchedule"),
    ("team", "speech", "NoExecute"),
];

const AMOUNTS: [(&str, &[&str], &[&str]); 6] = [
    (
        "cpu",
        &["1930m", "3910m", "8", "15890m"],
        &["100m", "1", "1931m", "0.0001", "3910m", "4", "9"],
    ),
    (
        "memory",
        &["7Gi", "31457280Ki", "1500M"],
        &["64Mi", "1.5G", "1500000001", "7Gi", "29Gi", "31Gi"],
    ),
    ("ephemeral-storage", &["10Gi", "100G"], &["1Gi", "11Gi", "101G"]),
    ("hugepages-2Mi", &["64Mi"], &["64Mi", "66Mi"]),
    ("nvidia.com/gpu", &["1", "4", "8"], &["1", "2", "8", "16"]),
    ("amd.com/gpu", &["2"], &["1", "4"]),
];

fn node(random: &mut Random, at: usize) -> Value {
    let mut labels = Map::new();
    for (key, values) in LABELS {
        if !random.one_in(3) {
            labels.insert(key.to_owned(), random.pick(values).into());
        }
    }
    let mut taints: Vec<Value> = Vec::new();
    for (key, value, effect) in TAINTS {
        if random.one_in(9) {
            taints.push(json!({"key": key, "value": value, "effect": effect}));
        }
    }
    let mut amounts = Map::new();
    amounts.insert("pods".to_owned(), "110".into());
    for (key, has, _) in AMOUNTS {
        if matches!(key, "cpu" | "memory") || random.one_in(2) {
            amounts.insert(key.to_owned(), random.pick(has).into());
        }
    }
    json!({"metadata": {"name": format!("node-{at}"), "labels": labels}, "spec": {"taints": taints},
        "status": {"capacity": amounts, "allocatable": amounts}})
}

fn pod(random: &mut Random) -> Value {
    let mut spec = json!({"restartPolicy": "Never", "containers": [container(random, "main", true)]});
    if random.one_in(5) {
        let other = container(random, "beside", false);
        spec["containers"].as_array_mut().unwrap().push(other);
    }
    if random.one_in(5) {
        let mut first = container(random, "first", false);
        if random.one_in(2) {
            first["restartPolicy"] = "Always".into();
        }
        spec["initContainers"] = json!([first]);
    }
    if random.one_in(3) {
        let (key, value) = label(random);
        spec["nodeSelector"] = json!({key: value});
        if random.one_in(3) {
            let (key, value) = label(random);
            spec["nodeSelector"][key] = value.into();
        }
    }
    if random.one_in(5) {
        let terms: Vec<Value> = (0..1 + random.below(2))
            .map(|_| {
                let all: Vec<Value> = (0..1 + random.below(2)).map(|_| requirement(random)).collect();
                json!({"matchExpressions": all})
            })
            .collect();
        spec["affinity"] =
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
    }
    let tolerations: Vec<Value> = (0..random.below(4)).map(|_| toleration(random)).collect();
    if !tolerations.is_empty() {
        spec["tolerations"] = tolerations.into();
    }
    spec
}

fn container(random: &mut Random, name: &str, is_main: bool) -> Value {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for (key, _, asks) in AMOUNTS {
        let is_exact = key.contains('/') || key.starts_with("hugepages-");
        if random.one_in(if is_exact { 10 } else { 3 }) {
            let amount = random.pick(asks);
            if is_exact || random.one_in(3) {
                limits.insert(key.to_owned(), amount.into());
            }
            if !limits.contains_key(key) || is_exact || random.one_in(2) {
                requests.insert(key.to_owned(), amount.into());
            }
        }
    }
    // Huge pages need CPU or memory beside them.
    if is_main || limits.contains_key("hugepages-2Mi") {
        requests.entry("memory").or_insert_with(|| "64Mi".into());
    }
    json!({"name": name, "image": "ray", "resources": {"requests": requests, "limits": limits}})
}

fn label(random: &mut Random) -> (&'static str, String) {
    let (key, values) = LABELS[random.below(LABELS.len())];
    if random.one_in(12) {
        return ("missing", "x".to_owned());
    }
    let value = if random.one_in(8) { "other" } else { random.pick(values) };
    (key, value.to_owned())
}

fn requirement(random: &mut Random) -> Value {
    let (key, value) = label(random);
    let (_, other) = label(random);
    match random.below(6) {
        0 => json!({"key": key, "operator": "In", "values": [value, other]}),
        1 => json!({"key": key, "operator": "NotIn", "values": [value]}),
        2 => json!({"key": key, "operator": "Exists"}),
        3 => json!({"key": key, "operator": "DoesNotExist"}),
        4 => json!({"key": "generation", "operator": "Gt", "values": [random.pick(&["2", "3", "11", "12"])]}),
        _ => json!({"key": "generation", "operator": "Lt", "values": [random.pick(&["3", "4", "12", "100"])]}),
    }
}

fn toleration(random: &mut Random) -> Value {
    let (key, value, effect) = TAINTS[random.below(TAINTS.len())];
    let effect = if random.one_in(4) { "" } else { effect };
    let mut toleration = match random.below(5) {
        0 => json!({"key": key, "operator": "Equal", "value": value}),
        1 => json!({"operator": "Exists"}),
        2 => json!({"key": key, "value": "other"}),
        _ => json!({"key": key, "operator": "Exists"}),
    };
    if !effect.is_empty() {
        toleration["effect"] = effect.into();
    }
    toleration
}

/// What raygate says of pods and nodes.
pub struct Judge {
    bundle: Bundle,
}

impl Judge {
    /// For a cluster without other nodes, whose API server adds no tolerations.
    pub fn new() -> Judge {
        let platform = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "Platform",
            "spec": {"capacity": {"world": "Closed", "extendedResourceToleration": false}}});
        let loaded = raygate::policy::load(&[Source::new("platform.json", &platform.to_string())], &known());
        Judge {
            bundle: Bundle::new(loaded.set),
        }
    }

    /// The codes of what raygate finds in an object.
    fn codes(&self, facts: &Arc<Facts>, object: &Value) -> Vec<&'static str> {
        let request = Request {
            operation: Operation::Create,
            namespace: "capacity".to_owned(),
            user: String::new(),
            object: Tree::of(object).unwrap(),
            old: None,
            now: Timestamp::UNIX_EPOCH,
            facts: Arc::clone(facts),
        };
        let findings = answer_as_is(&self.bundle, request).findings;
        findings.iter().map(|judged| judged.static_code()).collect()
    }

    /// Whether no node can run a pod, as the head of a RayCluster.
    pub fn cannot(&self, facts: &Arc<Facts>, pod: &Value) -> bool {
        let cluster = json!({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "capacity", "namespace": "capacity"},
            "spec": {"headGroupSpec": {"rayStartParams": {}, "template": {"spec": pod}}}});
        self.codes(facts, &cluster).iter().any(|code| CODES.contains(code))
    }

    /// Whether there is no room for all copies of a pod, as the workers of a RayCluster.
    pub fn is_too_much(&self, facts: &Arc<Facts>, pod: &Value) -> bool {
        let cluster = json!({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "capacity", "namespace": "capacity"},
            "spec": {
                "headGroupSpec": {"rayStartParams": {}, "template": {"spec": {"containers": []}}},
                "workerGroupSpecs": [{"groupName": "copies", "replicas": COPIES, "minReplicas": COPIES, "maxReplicas": COPIES,
                    "template": {"spec": pod}}]}});
        self.codes(facts, &cluster).contains(&"RG805")
    }
}

/// The facts about the nodes of a world.
pub fn facts(world: &World, kubernetes: &str) -> Arc<Facts> {
    let none = json!({"items": []});
    let document = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "ClusterFacts", "kubernetes": kubernetes,
        "kinds": {"Node": {"items": world.nodes}, "NodePool": none, "DeviceClass": none, "ConfigMap": none}});
    let tree = Tree::of(&document).unwrap();
    Arc::new(Facts::read(&[tree.root()]).unwrap().timeless())
}

/// What the scheduler did with the pods of a world: for each pod, `b` if it was bound and `-` if not; then how many copies of
/// the first pod that was bound were bound together.
pub type Answers = (String, Option<usize>);

/// The pod of which copies are tried together: the first that was bound.
pub fn copied<'w>(world: &'w World, bound: &str) -> Option<&'w Value> {
    bound.find('b').map(|at| &world.pods[at])
}

/// What the scheduler and raygate say differently.
pub fn differences(worlds: &[World], answers: &[Answers], kubernetes: &str) -> Vec<String> {
    let judge = Judge::new();
    let mut wrong = Vec::new();
    for (world, (bound, copies)) in worlds.iter().zip(answers) {
        let facts = facts(world, kubernetes);
        assert_eq!(bound.len(), world.pods.len());
        // Nodes of one shape count with the most of each resource, so raygate may miss a pod that fits on none of them.
        let places = Known::of(&facts, Timestamp::UNIX_EPOCH, "").places().unwrap();
        let folds = places.shapes().len() < world.nodes.len();
        for (pod, bound) in world.pods.iter().zip(bound.chars()) {
            let cannot = judge.cannot(&facts, pod);
            if (cannot && bound == 'b') || (!cannot && bound != 'b' && !folds) {
                wrong.push(format!(
                    "scheduler {bound}, raygate cannot {cannot}: {pod}\n  {}",
                    json!(world.nodes)
                ));
            }
        }
        if let (Some(pod), Some(copies)) = (copied(world, bound), copies) {
            let is_too_much = judge.is_too_much(&facts, pod);
            let is_wrong = match is_too_much {
                true => *copies >= COPIES,
                false => *copies < COPIES && !folds,
            };
            if is_wrong {
                wrong.push(format!(
                    "scheduler {copies} copies, raygate too much {is_too_much}: {pod}\n  {}",
                    json!(world.nodes)
                ));
            }
        }
    }
    wrong
}
