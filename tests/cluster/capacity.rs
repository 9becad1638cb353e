//! Pods and nodes: the scheduler binds no pod of which raygate says by facts alone that no node can run it, and binds all others
//! while the nodes are empty.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::cluster::{Cluster, NAMESPACE, pods};
use crate::nodes_and_pods::{self as generate, Answers, COPIES, Judge, PODS, SEED, World};
use crate::process::wait_for;

/// How many pods are tried without `RAYGATE_PODS`.
const FEW: usize = 150;
/// How long a pod may wait to be bound that fits on an empty node.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn the_scheduler_decides(_: &Cluster) {
    let binaries = Binaries::locate().expect("the control plane is here, because one runs");
    let cluster = Cluster::start(&binaries);
    let count = std::env::var("RAYGATE_PODS").map_or(FEW, |count| count.parse().expect("RAYGATE_PODS is a number"));
    let worlds = generate::worlds(SEED, count.div_ceil(PODS));
    let version = cluster.api.get("/version").expect(200)["gitVersion"].clone();
    let version = version.as_str().expect("a version").to_owned();
    let judge = Judge::new();
    let answers: Vec<Answers> = worlds
        .iter()
        .map(|world| answers(&cluster, world, &judge, &version))
        .collect();
    let differences = generate::differences(&worlds, &answers, &version);
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    let all: String = answers.iter().map(|(bound, _)| bound.as_str()).collect();
    println!("{} pods, {} bound", all.len(), all.matches('b').count());
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        let line = |(bound, copies): &Answers| match copies {
            Some(copies) => format!("{bound} {copies}\n"),
            None => format!("{bound}\n"),
        };
        let lines: String = answers.iter().map(line).collect();
        let checksum = generate::checksum(&worlds);
        let text = format!("kubernetes {version}\nseed {SEED}\nchecksum {checksum}\n\n{lines}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/capacity/recorded.txt");
        std::fs::write(file, text).expect("write the answers");
    }
}

/// What the scheduler does with each pod of a world, one after the other, and with copies of the first that is bound.
fn answers(cluster: &Cluster, world: &World, judge: &Judge, version: &str) -> Answers {
    world.nodes.iter().for_each(|node| add(cluster, node));
    let facts = generate::facts(world, version);
    let mut bound = String::new();
    for (at, pod) in world.pods.iter().enumerate() {
        let name = format!("pod-{at}");
        create(cluster, &name, pod);
        // A pod that fits may be refused once, until the scheduler knows that the pod before it is gone.
        let is_bound = outcome(cluster, &name, !judge.cannot(&facts, pod));
        bound.push(if is_bound { 'b' } else { '-' });
        delete(cluster, &name);
    }
    let copies = generate::copied(world, &bound).map(|pod| {
        let names: Vec<String> = (0..COPIES).map(|at| format!("copy-{at}")).collect();
        // All others are gone for the scheduler once it binds this one again.
        create(cluster, "again", pod);
        assert!(outcome(cluster, "again", true), "{pod}");
        delete(cluster, "again");
        let wanted = if judge.is_too_much(&facts, pod) { 0 } else { COPIES };
        names.iter().for_each(|name| create(cluster, name, pod));
        let bound = names
            .iter()
            .filter(|name| outcome(cluster, name, wanted == COPIES))
            .count();
        names.iter().for_each(|name| delete(cluster, name));
        bound
    });
    for node in &world.nodes {
        let name = node["metadata"]["name"].as_str().expect("a name");
        cluster.api.delete(&format!("/api/v1/nodes/{name}")).expect(200);
    }
    wait_for("the scheduler to know that the nodes are gone", || {
        let anywhere = json!({"containers": [{"name": "c", "image": "ray"}], "tolerations": [{"operator": "Exists"}]});
        create(cluster, "control", &anywhere);
        let is_bound = outcome(cluster, "control", false);
        delete(cluster, "control");
        match is_bound {
            false => Ok(()),
            true => Err("it still binds a pod"),
        }
    });
    (bound, copies)
}

/// Whether the scheduler binds a pod. If it should, a refusal is not taken for the last word at once.
fn outcome(cluster: &Cluster, name: &str, should: bool) -> bool {
    let start = Instant::now();
    loop {
        let pod = cluster.api.get(&format!("{}/{name}", pods())).expect(200);
        if pod["spec"]["nodeName"].is_string() {
            return true;
        }
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_refused = conditions
            .iter()
            .any(|one| one["type"] == "PodScheduled" && one["reason"] == "Unschedulable");
        if is_refused && (!should || start.elapsed() > PATIENCE) {
            return false;
        }
        assert!(start.elapsed() < 2 * PATIENCE, "the scheduler does not look at {pod}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn create(cluster: &Cluster, name: &str, spec: &Value) {
    let pod = json!({"metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
    cluster.api.post(&pods(), &pod).expect(201);
}

fn delete(cluster: &Cluster, name: &str) {
    cluster
        .api
        .delete(&format!("{}/{name}?gracePeriodSeconds=0", pods()))
        .expect(200);
}

fn add(cluster: &Cluster, node: &Value) {
    let name = node["metadata"]["name"].as_str().expect("a name");
    let path = format!("/api/v1/nodes/{name}");
    cluster.api.post("/api/v1/nodes", node).expect(201);
    let mut status = json!({"status": node["status"]});
    status["status"]["conditions"] =
        json!([{"type": "Ready", "status": "True", "reason": "Tests", "message": "nobody runs here"}]);
    cluster.api.merge_patch(&format!("{path}/status"), &status).expect(200);
    // Admission taints each new node as not ready, and no controller runs that would take that away.
    cluster
        .api
        .merge_patch(&path, &json!({"spec": {"taints": node["spec"]["taints"]}}))
        .expect(200);
}
