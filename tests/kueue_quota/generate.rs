//! Generated queues and jobs of Kueue, and what raygate says of the jobs by facts alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::facts::{Fact, Facts};
use raygate::json::Tree;
use raygate::policy::settings::Action;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::random::Random;

/// The seed of the recorded answers.
pub const SEED: u64 = 814;
/// How many jobs each namespace gets.
pub const JOBS: usize = 5;
/// The codes of what Kueue never admits.
pub const CODES: [&str; 3] = ["RG813", "RG814", "RG815"];
/// The answer of Kueue to a job that may run.
pub const FITS: &str = "fits";

const CPUS: [&str; 6] = ["500m", "1", "2", "4", "7500m", "16"];
const MEMORIES: [&str; 5] = ["512Mi", "1Gi", "4G", "16Gi", "0.5Gi"];
const GPUS: [&str; 4] = ["1", "2", "4", "8"];
const TAINT: &str = "nvidia.com/gpu";

/// Objects of a cluster with Kueue, and the jobs that are to be created in it.
pub struct World {
    /// The facts, each with its object.
    pub objects: Vec<(Fact, Value)>,
    /// The jobs: RayJobs and RayClusters.
    pub jobs: Vec<Value>,
}

/// A world of so many namespaces, each with queues of its own. A larger world begins with the smaller.
pub fn world(seed: u64, namespaces: usize) -> World {
    let mut random = Random::new(seed);
    let mut world = World {
        objects: Vec::new(),
        jobs: Vec::new(),
    };
    for index in 0..namespaces {
        let mut namespace = Namespace {
            random: &mut random,
            prefix: format!("kueue-{seed}-{index}"),
            world: &mut world,
        };
        let queues = namespace.queues();
        for job in 0..JOBS {
            namespace.job(job, &queues);
        }
    }
    world
}

struct Namespace<'w> {
    random: &'w mut Random,
    prefix: String,
    world: &'w mut World,
}

impl Namespace<'_> {
    fn add(&mut self, fact: Fact, metadata: Value, spec: Value) {
        self.world
            .objects
            .push((fact, json!({"metadata": metadata, "spec": spec})));
    }

    /// Makes the queues, and returns the names of the LocalQueues.
    fn queues(&mut self) -> Vec<String> {
        let prefix = self.prefix.clone();
        let team = self.random.pick(&["vision", "speech"]);
        let labels = json!({"kubernetes.io/metadata.name": prefix, "team": team});
        let namespace = json!({"metadata": {"name": prefix, "labels": labels}});
        self.world.objects.push((Fact::Namespace, namespace));
        if self.random.one_in(4) {
            let request = self.random.pick(&["250m", "1", "6"]);
            let limits = json!([{"type": "Container", "default": {"cpu": "8"}, "defaultRequest": {"cpu": request}}]);
            let range = json!({"namespace": prefix, "name": "defaults"});
            self.add(Fact::LimitRange, range, json!({"limits": limits}));
        }
        let flavors: Vec<String> = (0..1 + self.random.below(3))
            .map(|index| format!("{prefix}-f{index}"))
            .collect();
        for flavor in &flavors {
            let spec = self.flavor();
            self.add(Fact::ResourceFlavor, json!({"name": flavor}), spec);
        }
        let cohort = self.random.one_in(2).then(|| format!("{prefix}-c"));
        if let Some(cohort) = cohort.as_ref().filter(|_| self.random.one_in(2)) {
            let mut spec = json!({"parentName": format!("{prefix}-root")});
            if self.random.one_in(2) {
                spec["resourceGroups"] = self.groups(&flavors, true);
            }
            self.add(Fact::Cohort, json!({"name": cohort}), spec);
            if self.random.one_in(2) {
                let groups = self.groups(&flavors, false);
                let root = json!({"name": format!("{prefix}-root")});
                self.add(Fact::Cohort, root, json!({"resourceGroups": groups}));
            }
        }
        let mut names = Vec::new();
        for index in 0..1 + self.random.below(3) {
            let name = format!("{prefix}-q{index}");
            let mut spec = json!({"namespaceSelector": {}, "resourceGroups": self.groups(&flavors, cohort.is_some())});
            match self.random.below(12) {
                0 => spec["namespaceSelector"] = Value::Null,
                1 => spec["namespaceSelector"] = json!({"matchLabels": {"team": "vision"}}),
                2 => spec["stopPolicy"] = json!("Hold"),
                _ => {}
            }
            if let Some(cohort) = &cohort {
                spec["cohortName"] = json!(cohort);
            }
            self.add(Fact::ClusterQueue, json!({"name": name}), spec);
            let mut local = json!({"clusterQueue": name});
            match self.random.below(16) {
                0 => local["stopPolicy"] = json!("Hold"),
                1 => local["clusterQueue"] = json!("nobody"),
                _ => {}
            }
            let queue = format!("ray-{index}");
            self.add(Fact::LocalQueue, json!({"namespace": prefix, "name": queue}), local);
            names.push(queue);
        }
        names
    }

    fn flavor(&mut self) -> Value {
        let mut spec = Map::new();
        let mut labels = Map::new();
        for (key, values) in [("pool", ["gpu", "cpu"]), ("zone", ["a", "b"])] {
            if self.random.one_in(2) {
                labels.insert(key.to_owned(), self.random.pick(&values).into());
            }
        }
        if !labels.is_empty() {
            spec.insert("nodeLabels".to_owned(), labels.into());
        }
        if self.random.one_in(3) {
            let effect = self.random.pick(&["NoSchedule", "NoExecute", "PreferNoSchedule"]);
            let taint = json!({"key": TAINT, "value": "present", "effect": effect});
            spec.insert("nodeTaints".to_owned(), json!([taint]));
            if self.random.one_in(3) {
                let toleration = json!({"key": TAINT, "operator": "Exists", "effect": effect});
                spec.insert("tolerations".to_owned(), json!([toleration]));
            }
        }
        spec.into()
    }

    fn groups(&mut self, flavors: &[String], has_parent: bool) -> Value {
        let (first, rest) = flavors.split_first().unwrap();
        let group = |random: &mut Random, resources: &[&str], flavors: &[String]| {
            let of = |random: &mut Random, flavor: &String| {
                let resources: Vec<Value> = resources.iter().map(|name| quota(random, name, has_parent)).collect();
                json!({"name": flavor, "resources": resources})
            };
            let flavors: Vec<Value> = flavors.iter().map(|flavor| of(random, flavor)).collect();
            json!({"coveredResources": resources, "flavors": flavors})
        };
        match self.random.below(8) {
            0 => json!([group(self.random, &["cpu", TAINT], flavors)]),
            1 => json!([group(self.random, &["cpu", "memory", TAINT, "pods"], flavors)]),
            2..=4 if !rest.is_empty() => json!([
                group(self.random, &["cpu", "memory"], std::slice::from_ref(first)),
                group(self.random, &[TAINT], rest),
            ]),
            _ => json!([group(self.random, &["cpu", "memory", TAINT], flavors)]),
        }
    }

    fn job(&mut self, index: usize, queues: &[String]) {
        let queue = match self.random.below(24) {
            0 => "rayy".to_owned(),
            _ => queues[self.random.below(queues.len())].clone(),
        };
        let is_job = self.random.one_in(2);
        let groups: Vec<Value> = (0..self.random.below(3))
            .map(|group| {
                let replicas = self.random.below(5);
                let mut spec = json!({"groupName": format!("g{group}"), "rayStartParams": {}, "template": self.pod("ray-worker"),
                    "replicas": replicas, "minReplicas": 0, "maxReplicas": 5});
                if self.random.one_in(5) {
                    spec["numOfHosts"] = json!(2);
                }
                spec
            })
            .collect();
        let cluster = json!({"headGroupSpec": {"rayStartParams": {}, "template": self.pod("ray-head")},
            "workerGroupSpecs": groups});
        let (kind, spec) = match is_job {
            true => (
                "RayJob",
                json!({"entrypoint": "python job.py", "shutdownAfterJobFinishes": true, "rayClusterSpec": cluster}),
            ),
            false => ("RayCluster", cluster),
        };
        self.world.jobs.push(json!({"apiVersion": "ray.io/v1", "kind": kind,
            "metadata": {"name": format!("job-{index}"), "namespace": self.prefix,
                "labels": {"kueue.x-k8s.io/queue-name": queue}},
            "spec": spec}));
    }

    fn pod(&mut self, name: &str) -> Value {
        let mut requests = Map::new();
        let mut limits = Map::new();
        for (key, amounts) in [("cpu", &CPUS[..]), ("memory", &MEMORIES)] {
            let amount = self.random.pick(amounts);
            match self.random.below(4) {
                0 => {
                    limits.insert(key.to_owned(), amount.into());
                }
                1 => {}
                _ => {
                    requests.insert(key.to_owned(), amount.into());
                    limits.insert(key.to_owned(), amount.into());
                }
            }
        }
        if self.random.one_in(2) {
            limits.insert(TAINT.to_owned(), self.random.pick(&GPUS).into());
        }
        let mut spec = json!({"containers": [
            {"name": name, "image": "ray:2.46.0", "resources": {"requests": requests, "limits": limits}}]});
        if self.random.one_in(4) {
            let cpu = self.random.pick(&CPUS);
            spec["initContainers"] = json!([{"name": "init", "image": "busybox", "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}}]);
        }
        if self.random.one_in(2) {
            spec["tolerations"] = json!([{"key": TAINT, "operator": "Exists"}]);
        }
        match self.random.below(6) {
            0 => spec["nodeSelector"] = json!({"pool": "gpu"}),
            1 => spec["nodeSelector"] = json!({"zone": "a", "disk": "ssd"}),
            2 => {
                let operator = self.random.pick(&["In", "NotIn"]);
                let mut terms =
                    vec![json!({"matchExpressions": [{"key": "zone", "operator": operator, "values": ["b"]}]})];
                if self.random.one_in(3) {
                    terms.push(json!({"matchExpressions": [{"key": "pool", "operator": "Exists"}]}));
                }
                spec["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": terms}}});
            }
            _ => {}
        }
        json!({"spec": spec})
    }
}

fn quota(random: &mut Random, name: &str, has_parent: bool) -> Value {
    let amounts: &[&str] = match name {
        "cpu" => &["0", "2", "8", "20", "100"],
        "memory" => &["0", "8Gi", "64Gi", "1Ti"],
        "pods" => &["2", "6", "40"],
        _ => &["0", "4", "8", "16", "64"],
    };
    let mut quota = json!({"name": name, "nominalQuota": random.pick(amounts)});
    for key in ["borrowingLimit", "lendingLimit"] {
        if has_parent && random.one_in(3) {
            quota[key] = json!(random.pick(amounts));
        }
    }
    if let (Some(limit), Some(nominal)) = (quota["lendingLimit"].as_str(), quota["nominalQuota"].as_str()) {
        // Kueue rejects a larger one.
        let place = |amount: &str| amounts.iter().position(|known| *known == amount);
        if place(limit) > place(nominal) {
            quota["lendingLimit"] = quota["nominalQuota"].clone();
        }
    }
    quota
}

impl World {
    /// The SHA-256 over everything.
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for (fact, object) in &self.objects {
            hash.update(format!("{} {object}\n", fact.name()));
        }
        for job in &self.jobs {
            hash.update(format!("{job}\n"));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a file with facts says of the world.
    pub fn facts(&self) -> Arc<Facts> {
        let mut kinds = Map::new();
        for fact in Fact::ALL {
            let of_kind = self.objects.iter().filter(|(kind, _)| *kind == fact);
            let items: Vec<&Value> = of_kind.map(|(_, object)| object).collect();
            kinds.insert(fact.name().to_owned(), json!({"items": items}));
        }
        let document = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "ClusterFacts", "kinds": kinds});
        let tree = Tree::of(&document).unwrap();
        Arc::new(Facts::read(&[tree.root()]).unwrap().timeless())
    }

    /// The codes of what raygate finds in each job that Kueue never admits, and whether one denies.
    pub fn found(&self) -> Vec<(BTreeSet<&'static str>, bool)> {
        let (bundle, facts) = (Bundle::embedded(), self.facts());
        let codes = |job: &Value| {
            let request = Request {
                operation: Operation::Create,
                namespace: job["metadata"]["namespace"].as_str().unwrap().to_owned(),
                user: String::new(),
                object: Tree::of(job).unwrap(),
                old: None,
                now: Timestamp::UNIX_EPOCH,
                facts: Arc::clone(&facts),
            };
            let findings = answer_as_is(&bundle, request).findings;
            let ours = || findings.iter().filter(|judged| CODES.contains(&judged.static_code()));
            let codes = ours().map(|judged| judged.static_code()).collect();
            (codes, ours().any(|judged| judged.action == Action::Deny))
        };
        self.jobs.iter().map(codes).collect()
    }

    /// Where Kueue and raygate differ: jobs that raygate finds fault with and Kueue admits, and jobs
    /// that Kueue never admits although raygate says nothing. `theirs` has Kueue's reason for each job.
    pub fn differences(&self, theirs: &[String]) -> (Vec<String>, Vec<String>) {
        assert_eq!(theirs.len(), self.jobs.len());
        let (mut wrong, mut missed) = (Vec::new(), Vec::new());
        for ((job, (codes, denies)), answer) in self.jobs.iter().zip(self.found()).zip(theirs) {
            let told = || {
                format!(
                    "Kueue: {answer}; raygate: {codes:?}, denies {denies}; {}",
                    job["metadata"]
                )
            };
            match (answer == FITS, codes.is_empty()) {
                (true, false) => wrong.push(told()),
                (false, true) => missed.push(told()),
                _ => {}
            }
        }
        (wrong, missed)
    }
}
