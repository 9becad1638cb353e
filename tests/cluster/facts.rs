//! Facts, and what the API server makes of pods: it refuses what raygate says by facts alone that it refuses, and nothing else.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;
use raygate::facts::{Fact, Facts, Known};
use serde_json::{Value, json};

use crate::api::Answer;
use crate::binaries::Binaries;
use crate::cluster::{Cluster, NAMESPACE};
use crate::generate::{self, PODS, SEED, World};
use crate::process::{Daemon, wait_for};

/// The namespace whose objects come last: once the API server's plugins know them, they know all.
const LAST: &str = "facts-last";

/// How many pods are asked for without `RAYGATE_PODS`.
const FEW: usize = 200;

/// The words of the API server, and the code of the check that says so before.
const WORDS: [(&str, &str); 12] = [
    ("usage per Container is", "RG806"),
    ("usage per Pod is", "RG806"),
    ("max limit to request ratio per", "RG806"),
    ("must be less than or equal to cpu limit", "RG806"),
    ("must be less than or equal to memory limit", "RG806"),
    ("failed quota", "RG807"),
    ("exceeded quota", "RG807"),
    ("violates PodSecurity", "RG808"),
    ("no PriorityClass with name", "RG809"),
    ("error looking up service account", "RG810"),
    ("RuntimeClass", "RG812"),
    ("pod rejected", "RG812"),
];

pub(crate) fn the_api_server_decides(_: &Cluster) {
    let binaries = Binaries::locate().expect("the control plane is here, because one runs");
    let cluster = Cluster::start_with(&binaries, &["--allow-privileged=true"]);
    let pods = std::env::var("RAYGATE_PODS").map_or(FEW, |count| count.parse().expect("RAYGATE_PODS is a number"));
    let world = generate::world(SEED, pods.div_ceil(PODS));
    create(&cluster, &world);
    let version = cluster.api.get("/version").expect(200)["gitVersion"].clone();
    let version = version.as_str().expect("a version").to_owned();
    let answers: Vec<String> = world
        .pods
        .iter()
        .map(|(namespace, pod)| code(&post(&cluster, namespace, pod), pod))
        .collect();
    // The objects as the test made them, and as the cluster has them.
    for facts in [world.facts(&version), snapshot(&cluster)] {
        let differences = world.differences(&facts, &answers);
        assert!(
            differences.is_empty(),
            "{} of {} differ:\n{}",
            differences.len(),
            answers.len(),
            differences.join("\n")
        );
    }
    println!(
        "{} pods, {} refused",
        answers.len(),
        answers.iter().filter(|code| !code.is_empty()).count()
    );
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        let lines: Vec<&str> = answers
            .iter()
            .map(|code| if code.is_empty() { "-" } else { code })
            .collect();
        let text = format!(
            "kubernetes {version}\nseed {SEED}\nchecksum {}\n\n{}\n",
            world.checksum(),
            lines.join("\n")
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts/recorded.txt");
        std::fs::write(file, text).expect("write the answers");
    }
}

/// What `raygate snapshot` reads of the cluster.
fn snapshot(cluster: &Cluster) -> Arc<Facts> {
    let raygate = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .arg("snapshot")
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .output()
        .expect("run raygate");
    assert!(raygate.status.success(), "{}", String::from_utf8_lossy(&raygate.stderr));
    Arc::new(Facts::parse("snapshot", &raygate.stdout).expect("facts").timeless())
}

/// Asks to create a pod, without storing it.
fn post(cluster: &Cluster, namespace: &str, pod: &Value) -> Answer {
    let mut pod = pod.clone();
    pod["metadata"] = json!({"generateName": "facts-"});
    cluster
        .api
        .post(&format!("/api/v1/namespaces/{namespace}/pods?dryRun=All"), &pod)
}

/// The code of a refusal, empty where the pod is created.
fn code(answer: &Answer, pod: &Value) -> String {
    if answer.code == 201 {
        return String::new();
    }
    let found = WORDS.iter().find(|(words, _)| answer.message().contains(words));
    let (_, code) = found.unwrap_or_else(|| panic!("{answer} to {pod}"));
    (*code).to_owned()
}

fn create(cluster: &Cluster, world: &World) {
    let last = |fact, object| (fact, object);
    let namespace = last(Fact::Namespace, json!({"metadata": {"name": LAST}}));
    let account = last(
        Fact::ServiceAccount,
        json!({"metadata": {"namespace": LAST, "name": "default"}}),
    );
    let bound = |name: &str, cpu: &str| {
        let limits = json!([{"type": "Container", "max": {"cpu": cpu}}]);
        let range = json!({"metadata": {"namespace": LAST, "name": name}, "spec": {"limits": limits}});
        let quota = json!({"metadata": {"namespace": LAST, "name": name}, "spec": {"hard": {"limits.memory": cpu}}});
        [(Fact::LimitRange, range), (Fact::ResourceQuota, quota)]
    };
    // The plugins ask for what their caches do not have at all, so each has two.
    let first = [namespace, account].into_iter().chain(bound("first", "8"));
    let class = json!({"metadata": {"name": LAST}, "value": 1});
    let all = first.chain(world.objects.iter().cloned());
    for (fact, object) in all.chain(bound("last", "2")).chain([(Fact::PriorityClass, class)]) {
        store(cluster, fact, &object);
    }
    let pod = |limits: Value| {
        json!({"spec": {"priorityClassName": LAST, "containers": [
            {"name": "c", "image": "ray", "resources": {"limits": limits}}]}})
    };
    wait_for("the plugins of the API server to know all objects", || {
        let by_range = post(cluster, LAST, &pod(json!({"cpu": "4", "memory": "1"})));
        let by_quota = post(cluster, LAST, &pod(json!({"cpu": "1", "memory": "4"})));
        let created = post(cluster, LAST, &pod(json!({"cpu": "1", "memory": "1"})));
        let knows = by_range.message().contains("usage per Container is 2")
            && by_quota.message().contains("exceeded quota: last")
            && created.code == 201;
        match knows {
            true => Ok(()),
            false => Err(format!("{by_range}\n{by_quota}\n{created}")),
        }
    });
}

fn store(cluster: &Cluster, fact: Fact, object: &Value) {
    let (root, resource) = fact.path().rsplit_once('/').expect("a path");
    let path = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{resource}"),
        None => fact.path().to_owned(),
    };
    let mut object = object.clone();
    let (group, kind) = (
        root.trim_start_matches("/apis/").trim_start_matches("/api/"),
        fact.name(),
    );
    object["apiVersion"] = json!(group);
    object["kind"] = json!(kind);
    let mut stored = cluster.api.post(&path, &object).expect(201);
    if fact == Fact::ResourceQuota {
        // No controller runs that would count what is used.
        let hard = stored["spec"]["hard"].clone();
        let used = hard
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| (key.clone(), json!("0")));
        stored["status"] = json!({"hard": hard, "used": Value::Object(used.collect())});
        let name = object["metadata"]["name"].as_str().expect("a name");
        cluster.api.put(&format!("{path}/{name}/status"), &stored).expect(200);
    }
}

/// What `raygate observe` writes follows the cluster: changes, an outage of the API server, and a kind that may not be read.
pub(crate) fn an_observer_follows_the_cluster(cluster: &Cluster) {
    let name = "observed";
    let account = json!({"metadata": {"name": name, "namespace": NAMESPACE}});
    let accounts = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    cluster.api.post(&accounts, &account).expect(201);
    // Everything but the quotas.
    let all: Vec<&str> = Fact::ALL
        .iter()
        .filter(|fact| **fact != Fact::ResourceQuota)
        .map(|fact| fact.path().rsplit_once('/').expect("a path").1)
        .collect();
    let role = json!({"metadata": {"name": name}, "rules": [
        {"apiGroups": ["", "scheduling.k8s.io", "node.k8s.io"], "resources": all, "verbs": ["list", "watch"]}]});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    cluster.api.post(roles, &role).expect(201);
    let binding = json!({"metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]});
    let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    cluster.api.post(bindings, &binding).expect(201);
    let wish = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = cluster.api.post(&format!("{accounts}/{name}/token"), &wish).expect(201);
    let kubeconfig = cluster.kubeconfig_of(name, token["status"]["token"].as_str().expect("a token"));

    let file = cluster.folder().join("observed.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_raygate"));
    command.args(["observe", "--log-format", "text", "--out"]).arg(&file);
    command.arg("--kubeconfig").arg(kubeconfig);
    let mut observer = Daemon::start(&cluster.group, "observer", &mut command, cluster.folder());
    let until = |observer: &mut Daemon, what: &str, holds: &dyn Fn(&Facts) -> bool| {
        wait_for(what, || {
            observer.assert_running();
            let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
            // The file is never half written.
            let facts = Facts::parse("observed.json", &bytes).expect("facts");
            if holds(&facts) {
                Ok(())
            } else {
                Err(facts.document().to_string())
            }
        });
    };
    fn known(facts: &Facts) -> Known<'_> {
        Known::of(facts, Timestamp::now(), NAMESPACE)
    }
    let has_class = |facts: &Facts, name: &str| {
        known(facts)
            .priority_classes()
            .is_some_and(|classes| classes.contains_key(name))
    };
    until(&mut observer, "the first facts", &|facts| {
        known(facts)
            .service_accounts()
            .is_some_and(|names| names.contains(name))
            && has_class(facts, "system-node-critical")
            && facts.minor().is_some()
    });
    until(&mut observer, "the kind that may not be read", &|facts| {
        let why = facts.unused(Fact::ResourceQuota, Timestamp::now());
        known(facts).quotas().is_none() && why.is_some_and(|why| why.contains("403"))
    });

    let classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let class = |name: &str| json!({"metadata": {"name": name}, "value": 1});
    cluster.api.post(classes, &class("observed-1")).expect(201);
    until(&mut observer, "a new object", &|facts| has_class(facts, "observed-1"));
    let ranges = format!("/api/v1/namespaces/{NAMESPACE}/limitranges");
    let range = |max: &str| json!({"metadata": {"name": name}, "spec": {"limits": [{"type": "Container", "max": {"memory": max}}]}});
    let has_max = |facts: &Facts, max: &str| {
        let ranges = known(facts).limit_ranges().unwrap_or_default();
        ranges.len() == 1 && ranges[0].limits[0].max["memory"].to_string() == max
    };
    cluster.api.post(&ranges, &range("1Ti")).expect(201);
    until(&mut observer, "another object", &|facts| has_max(facts, "1Ti"));
    cluster
        .api
        .merge_patch(&format!("{ranges}/{name}"), &range("2Ti"))
        .expect(200);
    until(&mut observer, "a changed object", &|facts| has_max(facts, "2Ti"));

    // After an outage, what was missed is there, and what was read during it is not newer than it was.
    cluster.without_api_server(|| {});
    cluster.api.delete(&format!("{ranges}/{name}")).expect(200);
    cluster.api.post(classes, &class("observed-2")).expect(201);
    until(&mut observer, "what happened after an outage", &|facts| {
        has_class(facts, "observed-2") && known(facts).limit_ranges().is_some_and(<[_]>::is_empty)
    });

    let binding = format!("{bindings}/{name}");
    cluster.api.delete(&binding).expect(200);
    until(&mut observer, "rights that are gone", &|facts| {
        known(facts).priority_classes().is_none()
    });
    observer.terminate();
    assert!(observer.wait().success(), "{}", observer.log());

    for path in [
        format!("{classes}/observed-1"),
        format!("{classes}/observed-2"),
        format!("{roles}/{name}"),
        format!("{accounts}/{name}"),
    ] {
        cluster.api.delete(&path).expect(200);
    }
}

/// How many nodes there are without `RAYGATE_NODES`.
const NODES: usize = 5_000;
/// The most that the observer may hold after its first file, in MiB, and what churn may add to it.
const MOST_MIB: u64 = 64;
const GROWTH_MIB: u64 = 12;

/// The resident memory of a process, and the most that it ever was, in MiB.
fn memory(id: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("a field");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// A node as a kubelet registers it: some 15 KB, of which the images are the most.
fn node(index: usize) -> Value {
    let images: Vec<Value> = (0..50)
        .map(|image| {
            let name = format!("registry.example.com/team-{image}/image");
            json!({"names": [format!("{name}@sha256:{image:064}"), format!("{name}:v{image}")], "sizeBytes": 123_456_789})
        })
        .collect();
    let pool = index % 24;
    json!({"metadata": {"name": format!("node-{index}"), "labels": {
            "kubernetes.io/hostname": format!("node-{index}"), "example.com/pool": format!("pool-{pool}"),
            "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": format!("type-{}", pool % 6)}},
        "spec": {"taints": [{"key": "example.com/pool", "value": format!("pool-{pool}"), "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "95", "memory": "700Gi", "nvidia.com/gpu": (pool % 3 * 4).to_string()},
            "images": images}})
}

/// Thousands of nodes whose kubelets report all the time, an API server that starts anew, and rights that go away: the
/// facts stay right, and the memory of the observer stays flat.
pub(crate) fn an_observer_stays_small_under_churn(_: &Cluster) {
    let binaries = Binaries::locate().expect("the control plane is here, because one runs");
    let cluster = Cluster::start_with(&binaries, &[]);
    let count = std::env::var("RAYGATE_NODES").map_or(NODES, |count| count.parse().expect("RAYGATE_NODES is a number"));
    let nodes = Fact::Node.path();
    for index in 0..count {
        cluster.api.post(nodes, &node(index)).expect(201);
    }
    let file = cluster.folder().join("observed.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_raygate"));
    command.args(["observe", "--log-format", "text", "--out"]).arg(&file);
    command.arg("--kubeconfig").arg(cluster.kubeconfig());
    let mut observer = Daemon::start(&cluster.group, "observer", &mut command, cluster.folder());
    let until = |observer: &mut Daemon, what: &str, holds: &dyn Fn(&Facts) -> bool| {
        wait_for(what, || {
            observer.assert_running();
            let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
            let facts = Facts::parse("observed.json", &bytes).expect("facts");
            let size = bytes.len();
            if holds(&facts) {
                Ok(())
            } else {
                Err(format!("a file of {size} bytes"))
            }
        });
    };
    let nodes_in = |facts: &Facts| facts.nodes().iter().map(|shape| shape.count).sum::<u64>();
    until(&mut observer, "the first facts", &|facts| {
        nodes_in(facts) == count as u64
    });
    let (first, peak) = memory(observer.id());
    let size = std::fs::metadata(&file).expect("a file").len();
    println!("{count} nodes: {first} MiB after the first file of {size} bytes, at most {peak} MiB");

    // Every kubelet reports, twice.
    for round in 0..2 {
        for index in 0..count {
            let condition = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": format!("{round}"),
                "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let path = format!("{nodes}/node-{index}/status");
            let patch = json!({"status": {"conditions": [condition]}});
            cluster.api.merge_patch(&path, &patch).expect(200);
        }
    }
    let (reported, _) = memory(observer.id());
    // Everything that the watches know is gone.
    for _ in 0..3 {
        cluster.without_api_server(|| {});
    }
    let patch = json!({"metadata": {"labels": {"example.com/new": "yes"}}});
    cluster.api.merge_patch(&format!("{nodes}/node-1"), &patch).expect(200);
    until(&mut observer, "a label after an outage", &|facts| {
        let mut shapes = facts.nodes().iter();
        shapes.any(|shape| shape.labels.contains_key("example.com/new"))
    });
    let (last, peak) = memory(observer.id());
    println!(
        "after {} reports {reported} MiB, after three outages {last} MiB, at most {peak} MiB",
        2 * count
    );
    assert!(first <= MOST_MIB, "{first} MiB");
    assert!(last <= first + GROWTH_MIB, "{first} MiB became {last} MiB");
    observer.terminate();
    assert!(observer.wait().success(), "{}", observer.log());
}
