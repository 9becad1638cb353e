//! The files that `raygate init` writes: the Platform, the shipped policy, queues, and a test for each accelerator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::diag::{Sources, one_line};
use crate::engine::Bundle;
use crate::engine::bundle::EMBEDDED;
use crate::facts::{Facts, NODE_POOL_LABEL, Shape, UNLIMITED, is_after_start};
use crate::k8s::names;
use crate::k8s::quantity::Quantity;
use crate::k8s::toleration::{self, Taint};
use crate::ray::{KubeRay, device};
use crate::rules::SKIP_ANNOTATION;
use crate::rules::inject::accelerators::ACCELERATOR_LABEL;
use crate::yaml::{self, Limits, Node, Reading};

/// The label by which Kueue finds the queue of an object.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";

/// The longest name of a kind of accelerator: it is the value of a label.
const LONGEST_NAME: usize = 63;

/// The most policies for queues. A cluster with more choices of queues has a rule for them, which nobody can guess.
const MOST_CHOICES: usize = 10;

/// The labels of nodes that name a product, the most telling first.
const PRODUCTS: [&str; 9] = [
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.azure.com/sku-gpu-name",
    "amd.com/gpu.product-name",
    "gpu.intel.com/product",
    "node.kubernetes.io/instance-type",
];

/// The service accounts of Flyte, by their names in its charts.
const FLYTES: [&str; 2] = ["flytepropeller", "flyte-binary"];

/// Nodes with accelerators of one kind.
#[derive(Debug)]
struct Pool {
    name: String,
    resource: String,
    selector: BTreeMap<String, String>,
    tolerations: Vec<Value>,
    /// Where that is known from.
    told: String,
}

/// The names and texts of all files.
pub(super) fn files(facts: &Facts, kuberay: Option<KubeRay>) -> Vec<(String, String)> {
    let pools = pools(facts);
    let mut files = vec![
        ("platform.yaml".to_owned(), platform(facts, kuberay, &pools)),
        ("policy.yaml".to_owned(), policy(facts)),
    ];
    files.extend(queues(facts).map(|text| ("queues.yaml".to_owned(), text)));
    files.extend(tests(facts, &pools));
    files
}

/// The cases: each part of the drafted policies is noticed by one of them (`raygate test --coverage`).
fn tests(facts: &Facts, pools: &[Pool]) -> Vec<(String, String)> {
    let mut files = vec![
        (
            "tests/plain.test.yaml".to_owned(),
            case("a job without accelerators", &job(None, None), &changes_wanted()),
        ),
        (
            "tests/small.test.yaml".to_owned(),
            case("a job that names no sizes", &small(), &changes_wanted()),
        ),
        (
            "tests/skipped.test.yaml".to_owned(),
            case(
                "a job whose author turns off what the policy allows",
                &skipping(),
                &json!({"exact": true}),
            ),
        ),
    ];
    let shipped = match pools.is_empty() {
        true => shipped_kinds(),
        false => Vec::new(),
    };
    let drafted = pools.iter().map(|pool| (pool.name.clone(), pool.resource.clone()));
    for (index, (name, resource)) in drafted.chain(shipped).enumerate() {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let file = match is_plain {
            true => name.clone(),
            false => format!("accelerator-{index}"),
        };
        let title = format!("a job that asks for {name}");
        let job = job(Some(&resource), Some(&name));
        files.push((format!("tests/{file}.test.yaml"), case(&title, &job, &changes_wanted())));
    }
    files.extend(queue_cases(facts, pools).map(|text| ("tests/queues.test.yaml".to_owned(), text)));
    files
}

/// A `want` that blessing fills in.
fn changes_wanted() -> Value {
    json!({"verdict": "Allow", "changes": {}, "previews": []})
}

/// The nodes with accelerators: those of the flavors of Kueue's queues, and those of the cluster that no flavor is for.
fn pools(facts: &Facts) -> Vec<Pool> {
    let mut pools = of_flavors(facts);
    pools.extend(of_nodes(facts, &pools));
    let mut resources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pool in &pools {
        let resources = resources.entry(pool.name.clone()).or_default();
        resources.insert(pool.resource.clone());
    }
    // `plain` is the test of a job without accelerators.
    let mut taken = BTreeSet::from(["plain".to_owned()]);
    for pool in &mut pools {
        // Nodes with several resources make several kinds.
        if resources.get(&pool.name).is_some_and(|resources| resources.len() > 1) {
            pool.name = format!("{}-{}", pool.name, pool.resource.replace('/', "-"));
        }
        pool.name = unique(&pool.name, &mut taken);
    }
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    pools
}

/// A name that is the value of a label and no other kind has, from a text.
fn unique(text: &str, taken: &mut BTreeSet<String>) -> String {
    let cut = |text: &str, most: usize| {
        let start: String = text.chars().take(most).collect();
        start.trim_end_matches(['-', '.']).to_owned()
    };
    let base = if is_name(text) { text.to_owned() } else { named(text) };
    let base = if base.is_empty() { "accelerator" } else { &base };
    let mut name = cut(base, LONGEST_NAME);
    for number in 2_u64.. {
        if taken.insert(name.clone()) {
            break;
        }
        let end = format!("-{number}");
        name = cut(base, LONGEST_NAME - end.len()) + &end;
    }
    name
}

/// The tolerations of a kind: those that the shipped policies have for the resource, and those for these taints.
fn tolerations<'t>(resource: &str, taints: impl IntoIterator<Item = &'t Taint>) -> Vec<Value> {
    let shipped = Bundle::embedded();
    let kinds = shipped.platform().accelerators.values();
    let kinds = kinds.filter(|kind| kind.resource.as_deref() == Some(resource));
    let mut all: Vec<Value> = kinds.flat_map(|kind| &kind.tolerations).cloned().collect();
    for taint in taints {
        let wanted = json!({"key": taint.key, "operator": "Exists", "effect": taint.effect});
        if !all.iter().any(|given| toleration::implies(given, &wanted)) {
            all.push(wanted);
        }
    }
    all
}

fn of_flavors(facts: &Facts) -> Vec<Pool> {
    let mut found: BTreeMap<(&str, &str), Pool> = BTreeMap::new();
    for (queue, spec) in facts.cluster_queues() {
        for group in &spec.groups {
            for resource in group.resources.iter().filter(|name| device::is_accelerator(name)) {
                for quotas in &group.flavors {
                    let Some(flavor) = facts.resource_flavors().get(&quotas.flavor) else {
                        continue;
                    };
                    let pool = || {
                        let nodes = facts
                            .nodes()
                            .iter()
                            .filter(|shape| is_of(shape, resource, &flavor.labels));
                        let declared = flavor.taints.iter().filter(|taint| taint.repels());
                        let taints: BTreeSet<&Taint> = nodes.flat_map(|shape| &shape.taints).chain(declared).collect();
                        Pool {
                            name: quotas.flavor.clone(),
                            resource: resource.clone(),
                            selector: flavor.labels.clone(),
                            tolerations: tolerations(resource, taints),
                            told: format!("ResourceFlavor {} of ClusterQueue {queue}", quotas.flavor),
                        }
                    };
                    found.entry((&quotas.flavor, resource)).or_insert_with(pool);
                }
            }
        }
    }
    found.into_values().collect()
}

/// Whether nodes have a resource and these labels.
fn is_of(shape: &Shape, resource: &str, labels: &BTreeMap<String, String>) -> bool {
    shape.allocatable.get(resource).is_some_and(|amount| !amount.is_zero())
        && labels.iter().all(|(key, value)| shape.labels.get(key) == Some(value))
}

/// The label that names the product of nodes, with its value. Karpenter starts no node for a label that an agent writes
/// later, unless the NodePool defines it.
fn product<'f>(facts: &'f Facts, shape: &'f Shape) -> Option<(&'f str, &'f str)> {
    let of_karpenter = shape.labels.get(NODE_POOL_LABEL);
    let selects = |key: &str| {
        let Some(name) = of_karpenter else { return true };
        let node_pool = facts.node_pools().get(name);
        !is_after_start(key) || node_pool.is_some_and(|pool| pool.defines(key))
    };
    let mut known = PRODUCTS.iter().filter(|key| selects(key));
    known.find_map(|key| {
        let value = shape
            .labels
            .get(*key)
            .filter(|value| names::label_value(value).is_ok())?;
        Some((*key, value.as_str()))
    })
}

/// A resource, and the label that names the product, with its value.
type Product<'f> = (&'f str, Option<(&'f str, &'f str)>);

fn of_nodes(facts: &Facts, known: &[Pool]) -> Vec<Pool> {
    let mut found: BTreeMap<Product<'_>, Vec<&Shape>> = BTreeMap::new();
    for shape in facts.nodes() {
        let product = product(facts, shape);
        let resources = shape.allocatable.iter().filter(|(_, amount)| !amount.is_zero());
        for (resource, _) in resources.filter(|(name, _)| device::is_accelerator(name)) {
            let is_known = known
                .iter()
                .any(|pool| pool.resource == *resource && is_of(shape, resource, &pool.selector));
            if !is_known {
                found.entry((resource, product)).or_default().push(shape);
            }
        }
    }
    let pool = |((resource, product), shapes): (Product<'_>, Vec<&Shape>)| {
        let count = shapes.iter().fold(0_u64, |sum, shape| sum.saturating_add(shape.count));
        let each = shapes.iter().filter_map(|shape| shape.allocatable.get(resource)).max();
        let taints: BTreeSet<&Taint> = shapes.iter().flat_map(|shape| &shape.taints).collect();
        let nodes = if count == 1 { "node" } else { "nodes" };
        Pool {
            name: named(product.map_or(resource, |(_, value)| value)),
            resource: resource.to_owned(),
            selector: product
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            tolerations: tolerations(resource, taints),
            told: format!(
                "{count} {nodes}, each with {} of {resource} at most",
                each.unwrap_or(&Quantity::ZERO)
            ),
        }
    };
    found.into_iter().map(pool).collect()
}

/// Whether a text is a name as Kubernetes has them. A file with facts may say anything.
fn is_name(text: &str) -> bool {
    names::dns1123_subdomain(text).is_ok()
}

/// A name for a kind of accelerator: `nvidia-a100-sxm4-80gb` for the product `NVIDIA-A100-SXM4-80GB`.
fn named(product: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '-',
    };
    product
        .chars()
        .map(plain)
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}

impl Pool {
    fn kind(&self) -> Value {
        let mut kind = Map::new();
        kind.insert("resource".to_owned(), self.resource.clone().into());
        if !self.selector.is_empty() {
            kind.insert("nodeSelector".to_owned(), json!(self.selector));
        }
        if !self.tolerations.is_empty() {
            kind.insert("tolerations".to_owned(), json!(self.tolerations));
        }
        kind.into()
    }
}

/// A value as YAML, so many spaces to the right.
fn indented(value: &Value, spaces: usize) -> String {
    let text = yaml::emit(value);
    let lines = text.lines();
    lines.fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{}{line}", " ".repeat(spaces));
        all
    })
}

/// A comment, whatever is in its text.
fn comment(text: &str, spaces: usize) -> String {
    format!("{}# {}\n", " ".repeat(spaces), one_line(text))
}

fn platform(facts: &Facts, kuberay: Option<KubeRay>, pools: &[Pool]) -> String {
    let mut text = "# What raygate knows of the platform. `raygate init` drafted it from facts about the cluster: read every line.\n\
                    apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec:\n  \
                    # Start with this line: raygate then reports what it would do, and changes and denies nothing.\n  \
                    # mode: Preview\n"
        .to_owned();
    match kuberay {
        Some(release) => text += &format!("  kuberay: {{version: \"{release}\"}}\n"),
        None => {
            text += "  # The installed release, which `raygate doctor` tells. Without it, rules of some releases only warn.\n  # kuberay: {version: \"1.6\"}\n"
        }
    }
    let accounts = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        let accounts = facts.service_accounts().filter(|(_, name)| is_wanted(name));
        accounts
            .map(|(namespace, name)| format!("system:serviceaccount:{namespace}:{name}"))
            .collect()
    };
    let flyte = accounts(&|name| {
        FLYTES
            .iter()
            .any(|known| name == *known || name.ends_with(&format!("-{known}")))
    });
    if !flyte.is_empty() {
        text += "  # Whose word on project, domain, workflow and task is taken.\n";
        text += &indented(
            &json!({"flyte": {"serviceAccounts": flyte, "namespace": "{project}-{domain}"}}),
            2,
        );
    }
    let kueue = accounts(&|name| name == "kueue-controller-manager");
    if kueue
        .iter()
        .any(|user| user != "system:serviceaccount:kueue-system:kueue-controller-manager")
    {
        text += "  # The users that start and suspend jobs.\n";
        text += &indented(&json!({"queue": {"controllers": kueue}}), 2);
    }
    text += "  accelerators:\n";
    if pools.is_empty() {
        text += "    # The facts name no nodes with accelerators. These are the kinds of the shipped policies, without node selectors.\n";
        text += shipped_accelerators();
    }
    for pool in pools {
        text += &comment(&pool.told, 4);
        let mut kind = Map::new();
        kind.insert(pool.name.clone(), pool.kind());
        text += &indented(&kind.into(), 4);
    }
    text
}

/// The text of the shipped policies.
fn shipped() -> &'static str {
    EMBEDDED.first().map_or("", |(_, text)| text)
}

/// What the shipped Platform has below `accelerators`.
fn shipped_accelerators() -> &'static str {
    let platform = shipped().split_once("\n---\n").map_or("", |(platform, _)| platform);
    platform.split_once("  accelerators:\n").map_or("", |(_, kinds)| kinds)
}

/// The names and resources of the shipped kinds.
fn shipped_kinds() -> Vec<(String, String)> {
    let text = shipped_accelerators();
    let id = Sources::new().add("", text);
    let (nodes, _) = yaml::parse(id, text, Reading::Cautious, &Limits::policies());
    let kinds = nodes.first().and_then(Node::as_mapping).unwrap_or_default();
    kinds
        .iter()
        .filter_map(|kind| {
            let resource = kind.value.get("resource")?.as_str()?;
            Some((kind.key.text.clone(), resource.to_owned()))
        })
        .collect()
}

/// The shipped policy, and a limit to consider. It needs no `defaults.accelerators`: a resource that one kind has means it.
fn policy(facts: &Facts) -> String {
    let shipped = shipped().split_once("\n---\n").map_or("", |(_, policy)| policy);
    let mut text = format!(
        "# The policy that raygate ships. Change it as you like.\n{}\n",
        shipped.trim_end()
    );
    let mut most: BTreeMap<&str, i64> = BTreeMap::new();
    for (queue, ceilings) in facts.ceilings() {
        let accelerators = ceilings
            .iter()
            .filter(|((_, resource), _)| device::is_accelerator(resource));
        let sum = accelerators.fold(0_i64, |sum, (_, amount)| sum.saturating_add(*amount));
        most.insert(queue, sum);
    }
    if let Some((queue, sum)) = most
        .into_iter()
        .max_by_key(|(_, sum)| *sum)
        .filter(|(_, sum)| (1..UNLIMITED).contains(sum))
    {
        text += &comment("Consider a limit. No job can get more accelerators:", 0);
        text += &comment(
            &format!("  limits: {{maxGpusPerJob: {sum}}}   of ClusterQueue {queue}, with all that it may borrow"),
            0,
        );
    }
    text
}

/// The queues that a namespace offers to objects without and with accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Choice<'f> {
    plain: Option<&'f str>,
    accelerated: Option<&'f str>,
}

/// The namespaces with each choice of queues.
fn choices(facts: &Facts) -> BTreeMap<Choice<'_>, Vec<&str>> {
    let mut offers: BTreeMap<&str, Choice<'_>> = BTreeMap::new();
    let open = facts.local_queues().filter(|(.., queue)| !queue.is_stopped);
    for (namespace, name, queue) in open.filter(|(namespace, name, _)| is_name(namespace) && is_name(name)) {
        let Some(spec) = facts.cluster_queues().get(&queue.cluster_queue) else {
            continue;
        };
        let mut resources = spec.groups.iter().flat_map(|group| &group.resources);
        let offer = offers.entry(namespace).or_insert(Choice {
            plain: None,
            accelerated: None,
        });
        match resources.any(|name| device::is_accelerator(name)) {
            true => offer.accelerated.get_or_insert(name),
            false => offer.plain.get_or_insert(name),
        };
    }
    let mut choices: BTreeMap<Choice<'_>, Vec<&str>> = BTreeMap::new();
    for (namespace, choice) in offers {
        choices.entry(choice).or_default().push(namespace);
    }
    choices
}

/// Policies that put objects into a queue of their namespace, in Preview; `None` without queues.
fn queues(facts: &Facts) -> Option<String> {
    let choices = choices(facts);
    if choices.is_empty() {
        return None;
    }
    let mut text = "# Puts each object that names no queue into one of its namespace. In Preview, raygate reports what these policies\n\
                    # would do. Change the mode to Enforce when the reports are right.\n"
        .to_owned();
    let mut documents = Vec::new();
    for (index, (choice, namespaces)) in choices.iter().take(MOST_CHOICES).enumerate() {
        let mut add = |suffix: &str, queue: &str, when: Option<&str>, priority: i64| {
            let mut selector = Map::new();
            selector.insert("namespaces".to_owned(), json!(namespaces));
            if let Some(when) = when {
                selector.insert("when".to_owned(), when.into());
            }
            documents.push(json!({
                "apiVersion": "raygate.dev/v1beta1",
                "kind": "RayPolicy",
                "metadata": {"name": format!("queue-{}{suffix}", index + 1)},
                "spec": {
                    "description": format!("Puts objects into LocalQueue {queue}."),
                    "mode": "Preview",
                    "match": selector,
                    "priority": priority,
                    "defaults": {"job": {"labels": {QUEUE: queue}}},
                },
            }));
        };
        match (choice.plain, choice.accelerated) {
            (Some(plain), Some(accelerated)) => {
                add("", plain, None, 2);
                add("-accelerators", accelerated, Some("job.gpus > 0"), 3);
            }
            (Some(only), None) | (None, Some(only)) => add("", only, None, 2),
            (None, None) => {}
        }
    }
    let documents: Vec<String> = documents.iter().map(yaml::emit).collect();
    text += &documents.join("---\n");
    if let more @ 1.. = choices.len().saturating_sub(MOST_CHOICES) {
        text += &comment(
            &format!("{more} more groups of namespaces have queues with other names."),
            0,
        );
    }
    Some(text)
}

/// A case for each namespace with queues, without accelerators, and with them where another queue is for them.
fn queue_cases(facts: &Facts, pools: &[Pool]) -> Option<String> {
    let resource = pools.first().map_or("nvidia.com/gpu", |pool| pool.resource.as_str());
    let asks = json!({"spec": {"rayClusterSpec": {"workerGroupSpecs": [{"template": {"spec": {"containers": [{
        "resources": {"requests": {resource: "1"}, "limits": {resource: "1"}}}]}}}]}}});
    let want = json!({"exact": true});
    let mut cases = Vec::new();
    for (choice, namespaces) in choices(facts).into_iter().take(MOST_CHOICES) {
        for namespace in namespaces {
            let request = json!({"namespace": namespace});
            let name = format!("a job in {namespace}");
            cases.push(json!({"name": name, "request": request, "want": want}));
            if choice.plain.is_some() && choice.accelerated.is_some() {
                let name = format!("{name} that asks for {resource}");
                cases.push(json!({"name": name, "request": request, "set": asks, "want": want}));
            }
        }
    }
    let mut object = job(None, None);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("namespace");
    }
    (!cases.is_empty()).then(|| {
        format!(
            "{HEAD}{}",
            yaml::emit(&json!({"name": "queues", "object": object, "cases": cases}))
        )
    })
}

/// The first line of a file with cases.
const HEAD: &str = "# Run it with `raygate test`. `--bless` writes `want` anew after a change of the policies.\n";

/// A case whose outcome is still missing: blessing fills in what is empty in `want`.
fn case(name: &str, object: &Value, want: &Value) -> String {
    format!(
        "{HEAD}{}",
        yaml::emit(&json!({"name": name, "object": object, "want": want}))
    )
}

/// A pod with a container of this size.
fn pod(name: &str, resources: &Value) -> Value {
    json!({"spec": {"containers": [{
        "name": name, "image": "rayproject/ray:2.52.1", "resources": {"requests": resources, "limits": resources}}]}})
}

/// A RayJob with two workers, each with one of a resource if there is one, for the kind of this name.
fn job(resource: Option<&str>, kind: Option<&str>) -> Value {
    let mut worker = json!({"cpu": "8", "memory": "32Gi"});
    if let (Some(resource), Some(worker)) = (resource, worker.as_object_mut()) {
        worker.insert(resource.to_owned(), "1".into());
    }
    let mut metadata = json!({"name": "example", "namespace": "example-development"});
    if let (Some(kind), Some(metadata)) = (kind, metadata.as_object_mut()) {
        metadata.insert("labels".to_owned(), json!({ACCELERATOR_LABEL: kind}));
    }
    with_pods(
        &metadata,
        &pod("ray-head", &json!({"cpu": "4", "memory": "16Gi"})),
        &pod("ray-worker", &worker),
    )
}

fn with_pods(metadata: &Value, head: &Value, worker: &Value) -> Value {
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": metadata,
        "spec": {
            "entrypoint": "python train.py",
            "rayClusterSpec": {
                "rayVersion": "2.52.1",
                "headGroupSpec": {"rayStartParams": {}, "template": head},
                "workerGroupSpecs": [{
                    "groupName": "workers",
                    "replicas": 2,
                    "minReplicas": 2,
                    "maxReplicas": 2,
                    "rayStartParams": {},
                    "template": worker,
                }],
            },
        },
    })
}

/// A submitter without resources.
fn with_submitter(mut object: Value) -> Value {
    let submitter = json!({"spec": {"restartPolicy": "Never", "containers": [{
        "name": "ray-job-submitter", "image": "rayproject/ray:2.52.1"}]}});
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("submitterPodTemplate".to_owned(), submitter);
    }
    object
}

/// A RayJob with the sizes that Flyte writes where the author names none, and a submitter without any.
fn small() -> Value {
    let metadata = json!({"name": "example", "namespace": "example-development"});
    let least = json!({"cpu": "100m", "memory": "500Mi"});
    with_submitter(with_pods(
        &metadata,
        &pod("ray-head", &least),
        &pod("ray-worker", &least),
    ))
}

/// A RayJob whose author turns off every injector that the shipped policy lets them.
fn skipping() -> Value {
    let mut object = with_submitter(job(None, None));
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let skip = json!({SKIP_ANNOTATION: "lifecycle,readiness,sharedMemory,submitter"});
        metadata.insert("annotations".to_owned(), skip);
    }
    object
}
