//! Generated namespaces and pods, and what raygate says of them by facts alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::facts::{Fact, Facts};
use raygate::json::Tree;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// The seed of the recorded answers.
pub const SEED: u64 = 17;
/// How many pods each namespace gets.
pub const PODS: usize = 50;
/// The codes that the API server decides.
pub const CODES: [&str; 6] = ["RG806", "RG807", "RG808", "RG809", "RG810", "RG812"];

const CPUS: [&str; 8] = ["0", "100m", "0.25", "500m", "1", "1500m", "2", "8"];
const MEMORIES: [&str; 8] = ["0", "64Mi", "100M", "512Mi", "1Gi", "1.5Gi", "2G", "16Gi"];
const GPUS: [&str; 5] = ["0", "1", "2", "4", "8"];

/// Objects of a cluster, and the pods that are to be created in it.
pub struct World {
    /// The facts, each with its object.
    pub objects: Vec<(Fact, Value)>,
    /// The namespace and the template of each pod.
    pub pods: Vec<(String, Value)>,
}

/// A world of so many namespaces. The same seed gives the same world, and a larger one begins with the smaller.
pub fn world(seed: u64, namespaces: usize) -> World {
    let mut random = Random::new(seed);
    let mut world = World {
        objects: Vec::new(),
        pods: Vec::new(),
    };
    let named = |name: &str| json!({"metadata": {"name": name}});
    for (name, value, is_default) in [("normal", 0, true), ("high", 1000, false), ("training", 500, false)] {
        let mut class = named(name);
        class["value"] = json!(value);
        class["globalDefault"] = json!(is_default);
        world.objects.push((Fact::PriorityClass, class));
    }
    for (name, overhead) in [
        ("nvidia", None),
        ("kata", Some(json!({"podFixed": {"cpu": "250m", "memory": "128Mi"}}))),
    ] {
        let mut class = named(name);
        class["handler"] = json!(name);
        if let Some(overhead) = overhead {
            class["overhead"] = overhead;
        }
        world.objects.push((Fact::RuntimeClass, class));
    }
    for index in 0..namespaces {
        let name = format!("facts-{seed}-{index}");
        namespace(&mut random, &name, &mut world.objects);
        for _ in 0..PODS {
            world.pods.push((name.clone(), pod(&mut random)));
        }
    }
    world
}

impl World {
    /// The SHA-256 over everything.
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for (fact, object) in &self.objects {
            hash.update(format!("{} {object}\n", fact.name()));
        }
        for (namespace, pod) in &self.pods {
            hash.update(format!("{namespace} {pod}\n"));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a file with facts says of the world, read by an API server of this version.
    pub fn facts(&self, kubernetes: &str) -> Arc<Facts> {
        let mut kinds = Map::new();
        for fact in Fact::ALL {
            let of_kind = self.objects.iter().filter(|(kind, _)| *kind == fact);
            let items: Vec<&Value> = of_kind.map(|(_, object)| object).collect();
            kinds.insert(fact.name().to_owned(), json!({"items": items}));
        }
        let document = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "ClusterFacts", "kubernetes": kubernetes,
            "kinds": kinds});
        let tree = Tree::of(&document).unwrap();
        Arc::new(Facts::read(&[tree.root()]).unwrap().timeless())
    }

    /// The codes that raygate finds in each pod, as the head of a RayCluster.
    pub fn found(&self, facts: &Arc<Facts>) -> Vec<BTreeSet<&'static str>> {
        let bundle = Bundle::embedded();
        let codes = |(namespace, pod): &(String, Value)| {
            let cluster = json!({"apiVersion": "ray.io/v1", "kind": "RayCluster",
                "metadata": {"name": "facts", "namespace": namespace},
                "spec": {"headGroupSpec": {"rayStartParams": {}, "template": pod}}});
            let request = Request {
                operation: Operation::Create,
                namespace: namespace.clone(),
                user: String::new(),
                object: Tree::of(&cluster).unwrap(),
                old: None,
                now: Timestamp::UNIX_EPOCH,
                facts: Arc::clone(facts),
            };
            let findings = answer_as_is(&bundle, request).findings;
            let codes = findings.iter().map(|judged| judged.static_code());
            codes.filter(|code| CODES.contains(code)).collect()
        };
        self.pods.iter().map(codes).collect()
    }

    /// Whether two LimitRanges of a namespace may give containers different defaults of a resource.
    fn may_disagree(&self, namespace: &str) -> bool {
        let mut known = BTreeSet::new();
        let ranges = self
            .objects
            .iter()
            .filter(|(fact, object)| *fact == Fact::LimitRange && object["metadata"]["namespace"] == namespace);
        let keys = |range: &Value| -> BTreeSet<String> {
            let limits = range["spec"]["limits"].as_array().unwrap().iter();
            let limits = limits.filter(|limit| limit["type"] == "Container");
            let bounds = limits.flat_map(|limit| limit.as_object().unwrap().values().filter_map(Value::as_object));
            bounds.flat_map(|bound| bound.keys().cloned()).collect()
        };
        let all = ranges.flat_map(|(_, range)| keys(range));
        all.fold(false, |found, key| !known.insert(key) || found)
    }

    /// What the API server and raygate say differently: `theirs` has the code of each refusal, empty for a pod that is
    /// created.
    pub fn differences(&self, facts: &Arc<Facts>, theirs: &[String]) -> Vec<String> {
        assert_eq!(theirs.len(), self.pods.len());
        let all = self.found(facts);
        let pods = self.pods.iter().zip(theirs).zip(&all);
        let wrong = pods.filter(|(((namespace, pod), theirs), ours)| match theirs.as_str() {
            "" => !ours.is_empty(),
            // Of a pod with resources of its own, and of LimitRanges that disagree, raygate says nothing by them.
            code => {
                let is_unknown = pod["spec"]["resources"].is_object() || self.may_disagree(namespace);
                !ours.contains(code) && !(is_unknown && matches!(code, "RG806" | "RG807"))
            }
        });
        wrong
            .map(|(((namespace, pod), theirs), ours)| {
                let objects = self.objects.iter().map(|(_, object)| object);
                let own = objects.filter(|object| {
                    let metadata = &object["metadata"];
                    metadata["namespace"] == **namespace || metadata["name"] == **namespace
                });
                let own: Vec<String> = own.map(Value::to_string).collect();
                format!("API server {theirs:?}, raygate {ours:?}: {pod}\n  {}", own.join("\n  "))
            })
            .collect()
    }
}

fn namespace(random: &mut Random, name: &str, objects: &mut Vec<(Fact, Value)>) {
    let mut namespace = json!({"metadata": {"name": name}});
    if random.one_in(2) {
        let level = random.pick(&["baseline", "restricted", "privileged"]);
        let mut labels = json!({"pod-security.kubernetes.io/enforce": level});
        if random.one_in(2) {
            let version = random.pick(&["latest", "v1.25", "v1.30", "v1.34", "v1.35", "v1.37", "v1.40"]);
            labels["pod-security.kubernetes.io/enforce-version"] = json!(version);
        }
        namespace["metadata"]["labels"] = labels;
    }
    objects.push((Fact::Namespace, namespace));
    for account in ["default", "ray"] {
        let account = json!({"metadata": {"namespace": name, "name": account}});
        objects.push((Fact::ServiceAccount, account));
    }
    // Two LimitRanges are mostly for different resources. Else their defaults may differ.
    let shares = random.one_in(4);
    for index in 0..random.below(3) {
        let keys: &[&str] = match (shares, index) {
            (true, _) => &["cpu", "memory", "nvidia.com/gpu"],
            (false, 0) => &["cpu"],
            (false, _) => &["memory", "nvidia.com/gpu"],
        };
        // A LimitRange has each type once.
        let types: &[&str] = [&["Container"][..], &["Pod"], &["Container", "Pod"]][random.below(3)];
        let limits: Vec<Value> = types.iter().map(|kind| limit(random, kind, keys)).collect();
        let range =
            json!({"metadata": {"namespace": name, "name": format!("range-{index}")}, "spec": {"limits": limits}});
        objects.push((Fact::LimitRange, range));
    }
    for index in 0..random.below(3) {
        let quota = json!({"metadata": {"namespace": name, "name": format!("quota-{index}")}, "spec": quota(random)});
        objects.push((Fact::ResourceQuota, quota));
    }
}

/// An item of a LimitRange that the API server takes.
fn limit(random: &mut Random, kind: &str, keys: &[&str]) -> Value {
    let is_container = kind == "Container";
    let mut limit = json!({"type": kind});
    let tables: [(&str, &[&str]); 3] = [("cpu", &CPUS), ("memory", &MEMORIES), ("nvidia.com/gpu", &GPUS)];
    for (key, amounts) in tables {
        // What may not be overcommitted has no defaults here: they would have to equal what containers ask for.
        let is_exact = key.contains('/');
        if !keys.contains(&key) || random.one_in(4) || (is_exact && is_container) {
            continue;
        }
        // The least first: the minimum, the default request, the default limit, the maximum.
        let mut at: Vec<usize> = (0..4).map(|_| random.below(amounts.len())).collect();
        at.sort_unstable();
        let bounds: &[(&str, usize)] = match is_container {
            true => &[("min", 0), ("defaultRequest", 1), ("default", 2), ("max", 3)],
            false => &[("min", 0), ("max", 3)],
        };
        for (bound, place) in bounds {
            if random.one_in(2) {
                limit[*bound][key] = json!(amounts[at[*place]]);
            }
        }
        // A default below the minimum that another bound implies is refused, as is a ratio above what the bounds allow.
        if random.one_in(4) && !is_exact && limit["min"][key].is_null() && limit["max"][key].is_null() {
            limit["maxLimitRequestRatio"][key] = json!(random.pick(&["1", "1500m", "2", "4"]));
        }
    }
    limit
}

fn quota(random: &mut Random) -> Value {
    let scopes = [
        "",
        "",
        "",
        "Terminating",
        "NotTerminating",
        "NotBestEffort",
        "BestEffort",
        "PriorityClass",
    ];
    let scope = random.pick(&scopes);
    let mut hard = Map::new();
    let tables: [(&str, &[&str]); 9] = [
        ("pods", &["0", "1", "10"]),
        ("cpu", &CPUS),
        ("requests.cpu", &CPUS),
        ("limits.cpu", &CPUS),
        ("memory", &MEMORIES),
        ("requests.memory", &MEMORIES),
        ("limits.memory", &MEMORIES),
        ("requests.nvidia.com/gpu", &GPUS),
        ("count/pods", &["0", "1", "10"]),
    ];
    for (key, amounts) in tables {
        let is_taken = match scope {
            "" => true,
            "BestEffort" => key == "pods",
            _ => key != "count/pods" && !key.contains('/'),
        };
        if is_taken && random.one_in(4) {
            hard.insert(key.to_owned(), random.pick(amounts).into());
        }
    }
    let mut quota = json!({"hard": hard});
    match scope {
        "" => {}
        "PriorityClass" => {
            let operator = random.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
            let mut term = json!({"scopeName": scope, "operator": operator});
            if operator.ends_with("In") {
                term["values"] = json!([random.pick(&["normal", "high"]), "training"]);
            }
            quota["scopeSelector"] = json!({"matchExpressions": [term]});
        }
        scope => quota["scopes"] = json!([scope]),
    }
    quota
}

/// A pod that is valid by itself.
fn pod(random: &mut Random) -> Value {
    let is_careful = random.one_in(2);
    let containers: Vec<Value> = (0..=random.below(2))
        .map(|at| container(random, &format!("c{at}"), is_careful))
        .collect();
    let mut spec = json!({"containers": containers});
    let mut init: Vec<Value> = Vec::new();
    for at in 0..random.below(3) {
        let mut container = container(random, &format!("i{at}"), is_careful);
        if random.one_in(2) {
            container["restartPolicy"] = json!("Always");
        }
        init.push(container);
    }
    if !init.is_empty() {
        spec["initContainers"] = json!(init);
    }
    if random.one_in(4) {
        spec["activeDeadlineSeconds"] = json!(600);
    }
    if random.one_in(2) {
        spec["priorityClassName"] =
            json!(random.pick(&["high", "training", "normal", "training", "high", "trainning"]));
    }
    if random.one_in(4) {
        spec["runtimeClassName"] = json!(random.pick(&["nvidia", "kata", "nvidia", "kata", "nvidai"]));
    }
    if random.one_in(3) {
        spec["serviceAccountName"] = json!(random.pick(&["ray", "default", "ray", "ray-head"]));
    }
    if random.one_in(16) {
        spec["hostPID"] = json!(true);
    }
    if random.one_in(16) {
        spec["volumes"] = json!([{"name": "host", "hostPath": {"path": "/data"}}]);
    }
    if random.one_in(40) {
        spec["resources"] =
            json!({"requests": {"cpu": "64", "memory": "64Gi"}, "limits": {"cpu": "64", "memory": "64Gi"}});
    }
    json!({"metadata": {}, "spec": spec})
}

fn container(random: &mut Random, name: &str, is_careful: bool) -> Value {
    let mut container = json!({"name": name, "image": "ray"});
    let tables: [(&str, &[&str]); 2] = [("cpu", &CPUS), ("memory", &MEMORIES)];
    for (key, amounts) in tables {
        let (one, other) = (random.below(amounts.len()), random.below(amounts.len()));
        if !random.one_in(4) {
            container["resources"]["requests"][key] = json!(amounts[one.min(other)]);
        }
        if !random.one_in(3) {
            container["resources"]["limits"][key] = json!(amounts[one.max(other)]);
        }
    }
    if random.one_in(5) {
        container["resources"]["limits"]["nvidia.com/gpu"] = json!(random.pick(&GPUS));
    }
    if is_careful {
        container["securityContext"] = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    }
    if random.one_in(20) {
        container["securityContext"]["privileged"] = json!(true);
        container["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    }
    if random.one_in(10) && name == "c0" {
        container["ports"] = json!([{"containerPort": 8000, "hostPort": 8000}]);
    }
    if random.one_in(20) && !name.starts_with('i') {
        container["livenessProbe"] = json!({"httpGet": {"host": "10.0.0.1", "port": 80}});
    }
    container
}
