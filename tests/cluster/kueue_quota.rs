//! Generated queues and jobs in the real Kueue: it never admits what raygate finds fault with.

use std::collections::BTreeMap;
use std::path::Path;

use raygate::facts::Fact;
use raygate::ray::kind::{RAY_CLUSTER, RAY_JOB};
use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::cluster::Cluster;
use crate::kueue_world::{FITS, JOBS, SEED, World, world};
use crate::process::wait_for;
use crate::queues::{kueue_alone, kueue_version};

/// How many jobs are asked for without `RAYGATE_JOBS`.
const MANY: usize = 500;

pub(crate) fn kueue_decides(_: &Cluster) {
    let binaries = Binaries::locate().expect("the control plane is here, because one runs");
    let cluster = Cluster::start_with(&binaries, &[]);
    let mut kueue = kueue_alone(&cluster);
    let jobs = std::env::var("RAYGATE_JOBS").map_or(MANY, |count| count.parse().expect("RAYGATE_JOBS is a number"));
    let world = world(SEED, jobs.div_ceil(JOBS));
    create(&cluster, &world);
    // One job at a time in each namespace: nothing else is in use, so a job that waits waits for ever.
    let mut answers = vec![String::new(); world.jobs.len()];
    for round in 0..JOBS {
        let of_round = || world.jobs.iter().enumerate().skip(round).step_by(JOBS);
        for (_, job) in of_round() {
            let path = jobs_path(job);
            wait_for(&format!("Kueue to take {}", job["metadata"]), || {
                let stored = cluster.api.post(&path, job);
                if stored.code == 201 { Ok(()) } else { Err(stored) }
            });
        }
        for (index, job) in of_round() {
            answers[index] = answer(&cluster, job);
        }
        for (_, job) in of_round() {
            let name = job["metadata"]["name"].as_str().expect("a name");
            cluster.api.delete(&format!("{}/{name}", jobs_path(job))).expect(200);
        }
        // No garbage collector runs.
        wait_for("the Workloads to be gone", || {
            let list = cluster.api.get("/apis/kueue.x-k8s.io/v1beta2/workloads").expect(200);
            let left = list["items"].as_array().expect("a list");
            for workload in left
                .iter()
                .filter(|workload| workload["metadata"]["deletionTimestamp"].is_null())
            {
                let field = |key: &str| workload["metadata"][key].as_str().expect("a text").to_owned();
                let (namespace, name) = (field("namespace"), field("name"));
                let path = format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{namespace}/workloads/{name}");
                cluster.api.delete(&path);
            }
            if left.is_empty() { Ok(()) } else { Err(left.len()) }
        });
    }
    kueue.assert_running();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer).or_default() += 1;
    }
    let (wrong, missed) = world.differences(&answers);
    println!(
        "{} jobs, {counts:?}, {} wrong, {} missed\n{}",
        answers.len(),
        wrong.len(),
        missed.len(),
        missed.join("\n")
    );
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        let text = format!(
            "kueue {}\nseed {SEED}\nchecksum {}\n\n{}\n",
            kueue_version(),
            world.checksum(),
            answers.join("\n")
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kueue_quota/recorded.txt");
        std::fs::write(file, text).expect("write the answers");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn jobs_path(job: &Value) -> String {
    let kind = if job["kind"] == "RayJob" {
        &RAY_JOB
    } else {
        &RAY_CLUSTER
    };
    let namespace = job["metadata"]["namespace"].as_str().expect("a namespace");
    format!("/apis/ray.io/v1/namespaces/{namespace}/{}", kind.resource)
}

/// Stores the queues, and waits until Kueue has seen all of them.
fn create(cluster: &Cluster, world: &World) {
    for (fact, object) in &world.objects {
        let (root, resource) = fact.path().rsplit_once('/').expect("a path");
        let root = root.replace("v1beta1", "v1beta2");
        let path = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{resource}"),
            None => format!("{root}/{resource}"),
        };
        let mut object = object.clone();
        object["apiVersion"] = json!(root.trim_start_matches("/apis/").trim_start_matches("/api/"));
        object["kind"] = json!(fact.name());
        wait_for(&format!("{path} to take {object}"), || {
            let stored = cluster.api.post(&path, &object);
            if stored.code == 201 { Ok(()) } else { Err(stored) }
        });
    }
    for fact in [Fact::ClusterQueue, Fact::LocalQueue] {
        let path = fact.path().replace("v1beta1", "v1beta2");
        wait_for(&format!("Kueue to see each {}", fact.name()), || {
            let list = cluster.api.get(&path).expect(200);
            let queues = list["items"].as_array().expect("a list");
            let is_seen = |queue: &&Value| {
                let mut conditions = queue["status"]["conditions"].as_array().into_iter().flatten();
                conditions.any(|condition| condition["type"] == "Active")
            };
            let seen = queues.iter().filter(is_seen).count();
            if seen == queues.len() {
                Ok(())
            } else {
                Err(format!("{seen} of {}", queues.len()))
            }
        });
    }
}

/// Why Kueue never admits a job, or [`FITS`].
fn answer(cluster: &Cluster, job: &Value) -> String {
    let name = job["metadata"]["name"].as_str().expect("a name");
    let namespace = job["metadata"]["namespace"].as_str().expect("a namespace");
    let workloads = format!("/apis/kueue.x-k8s.io/v1beta2/namespaces/{namespace}/workloads");
    wait_for(&format!("Kueue to decide about {namespace}/{name}"), || {
        let list = cluster.api.get(&workloads).expect(200);
        let mut all = list["items"].as_array().expect("a list").iter();
        let is_of = |workload: &&Value| {
            let mut owners = workload["metadata"]["ownerReferences"].as_array().into_iter().flatten();
            owners.any(|owner| owner["kind"] == job["kind"] && owner["name"] == name)
        };
        let workload = all.find(is_of).ok_or_else(|| "no Workload yet".to_owned())?;
        let conditions = workload["status"]["conditions"].as_array().into_iter().flatten();
        let mut reserved = conditions.filter(|condition| condition["type"] == "QuotaReserved");
        let condition = reserved.next().ok_or_else(|| "not decided yet".to_owned())?;
        let reason = condition["reason"].as_str().expect("a reason");
        if reason == "PendingEvaluation" {
            return Err(condition["message"].to_string());
        }
        Ok::<_, String>(match condition["status"].as_str() {
            Some("True") => FITS.to_owned(),
            _ => reason.to_owned(),
        })
    })
}
