//! Objects of any shape: no check of resources, accelerators or images panics on one, points into nothing, or costs more than
//! its share.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use raygate::json::Tree;
use raygate::policy::settings::Action;
use raygate::policy::{Effective, Platform};
use raygate::ray::Workload;
use raygate::rules::{Check, Cx, Findings, check};
use serde_json::{Value, json};

fn checks() -> impl Iterator<Item = &'static Check> {
    check::all().filter(|check| {
        ["RG2", "RG3", "RG6"]
            .iter()
            .any(|family| check.code.starts_with(family))
    })
}

fn policy() -> Effective {
    let mut policy = Effective::default();
    policy.limits.max_gpus_per_job = Some(0);
    policy.limits.max_cpus_per_job = Some(raygate::k8s::quantity::Quantity::from_bytes(0));
    policy.limits.max_memory_per_job = policy.limits.max_cpus_per_job.clone();
    policy.limits.unknown_devices = Some(Action::Deny);
    policy.limits.pod_security = Some("restricted".parse().unwrap());
    policy.limits.allowed_images = Some(vec!["ghcr.io/my-org/**".to_owned()]);
    policy
}

fn platform() -> Platform {
    let mut platform = Platform::default();
    let nvidia =
        json!({"resource": "nvidia.com/gpu", "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]});
    platform
        .accelerators
        .insert("nvidia".to_owned(), serde_json::from_value(nvidia).unwrap());
    platform
}

fn findings(check: &Check, policy: &Effective, platform: &Platform, object: &Value) -> Findings {
    let mut findings = Findings::new();
    let cx = Cx {
        policy,
        platform,
        facts: raygate::facts::Known::nothing("a"),
        namespace: "a",
        named: true,
        skipped: false,
    };
    let object = Tree::of(object).unwrap();
    (check.run)(&cx, &Workload::of(object.root()), &mut findings);
    findings
}

/// A RayJob with something in every field that a check of resources or accelerators reads.
fn full() -> Value {
    let resources = json!({
        "requests": {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"},
        "limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1", "nvidia.com/mig-1g.5gb": "1", "gpu": "1"},
    });
    let template = json!({"spec": {
        "nodeSelector": {"cloud.google.com/gke-tpu-topology": "2x2"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
        "containers": [{
            "name": "ray", "resources": resources, "env": [{"name": "A", "value": "b"}],
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
        }],
        "initContainers": [{"name": "init", "resources": resources}],
    }});
    let params =
        json!({"num-cpus": "9", "num-gpus": "4", "memory": "99999999999", "object-store-memory": "20000000000"});
    json!({"kind": "RayJob", "metadata": {"name": "a", "annotations": {}}, "spec": {
        "rayClusterSpec": {
            "enableInTreeAutoscaling": true,
            "headGroupSpec": {"rayStartParams": params, "template": template},
            "workerGroupSpecs": [{
                "groupName": "w", "replicas": 1, "minReplicas": 0, "maxReplicas": 2, "numOfHosts": 2,
                "resources": {"cpu": "9", "nvidia.com/gpu": "8"}, "rayStartParams": params, "template": template,
            }],
        },
        "submitterPodTemplate": template,
    }})
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                pointers(
                    child,
                    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    all,
                );
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter().enumerate() {
                pointers(child, format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

#[test]
fn any_type_in_any_field_is_survived_and_pointed_at() {
    let (policy, platform, full) = (policy(), platform(), full());
    let mut fields = Vec::new();
    pointers(&full, String::new(), &mut fields);
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("1e400"),
        json!("\u{202e}`\n"),
        json!([]),
        json!([[null, 7, "x", {}]]),
        json!({}),
        json!({"": {"": null}}),
    ];
    for field in &fields {
        for value in &odd {
            let mut object = full.clone();
            *object.pointer_mut(field).unwrap() = value.clone();
            let tree = Tree::of(&object).unwrap();
            for check in checks() {
                for finding in findings(check, &policy, &platform, &object) {
                    assert!(
                        finding.path.reaches(tree.root()),
                        "{}: {} with {value} at {field}",
                        check.code,
                        finding.path
                    );
                }
            }
        }
    }
}

/// A RayJob with `count` of what may be many in it, each as small as it can be.
fn many(what: &str, count: usize) -> Value {
    let mut object = full();
    let numbered = |make: &dyn Fn(usize) -> Value| -> Value { (0..count).map(make).collect::<Vec<_>>().into() };
    let keys = |prefix: &str| -> Value {
        let keys = (0..count).map(|index| (format!("{prefix}{index}"), json!("1")));
        keys.collect::<serde_json::Map<_, _>>().into()
    };
    let container = |index| json!({"name": format!("c{index}"), "resources": {"requests": {"nvidia.com/gpu": "1"}}});
    let pod = "/spec/rayClusterSpec/headGroupSpec/template/spec";
    let group = "/spec/rayClusterSpec/workerGroupSpecs";
    let (field, value) = match what {
        "groups" => (
            group.to_owned(),
            numbered(&|index| {
                let template = json!({"spec": {"containers": [container(index)]}});
                json!({"groupName": format!("g{index}"), "replicas": 1, "template": template})
            }),
        ),
        "groups without pods" => (
            group.to_owned(),
            numbered(&|index| {
                let template = json!({"spec": {"containers": [{"name": "ray"}]}});
                json!({"groupName": format!("g{index}"), "replicas": 0, "maxReplicas": 0, "template": template})
            }),
        ),
        "native sidecars" => (
            format!("{pod}/initContainers"),
            numbered(&|index| {
                let mut container = container(index);
                if index % 2 == 0 {
                    container["restartPolicy"] = "Always".into();
                }
                container["resources"] = json!({"limits": {format!("example.com/r{index}"): "1"}});
                container
            }),
        ),
        "images" => (
            format!("{pod}/ephemeralContainers"),
            numbered(&|index| json!({"name": format!("c{index}"), "image": format!("example.com/i{index}")})),
        ),
        "ports" => (
            format!("{pod}/containers/0/ports"),
            numbered(&|index| json!({"name": format!("p{index}"), "containerPort": index % 60_000})),
        ),
        "claims" => (
            format!("{pod}/resourceClaims"),
            numbered(&|index| json!({"name": format!("c{index}"), "resourceClaimName": "x"})),
        ),
        "pod resources" => (
            format!("{pod}/resources"),
            json!({"requests": keys("hugepages-"), "limits": keys("hugepages-1")}),
        ),
        "submitter's containers" => (
            "/spec/submitterPodTemplate/spec/containers".to_owned(),
            numbered(&container),
        ),
        "labels" => ("/metadata/labels".to_owned(), keys("l")),
        "annotations" => ("/metadata/annotations".to_owned(), keys("a")),
        "containers" => (format!("{pod}/containers"), numbered(&container)),
        "init containers" => (format!("{pod}/initContainers"), numbered(&container)),
        "variables" => (
            format!("{pod}/containers/0/env"),
            numbered(&|index| json!({"name": format!("V{index}"), "value": "x"})),
        ),
        "mounts" => (
            format!("{pod}/containers/0/volumeMounts"),
            numbered(&|index| json!({"name": format!("v{index}"), "mountPath": format!("/m/{index}")})),
        ),
        "volumes" => (
            format!("{pod}/volumes"),
            numbered(&|index| json!({"name": format!("v{index}"), "emptyDir": {}})),
        ),
        "tolerations" => (
            format!("{pod}/tolerations"),
            numbered(&|index| json!({"key": format!("k{index}"), "operator": "Exists"})),
        ),
        "entrypoint" => ("/spec/entrypoint".to_owned(), json!("$V ".repeat(count))),
        "entrypoint's variables" => (
            "/spec/entrypoint".to_owned(),
            json!((0..count).map(|index| format!("$V{index} ")).collect::<String>()),
        ),
        "resources" => (
            format!("{pod}/containers/0/resources"),
            json!({"requests": keys("example.com/r"), "limits": keys("example.com/r")}),
        ),
        "group resources" => (format!("{group}/0/resources"), keys("r")),
        _ => panic!("{what} is not known"),
    };
    let (holder, key) = field.rsplit_once('/').unwrap();
    object.pointer_mut(holder).unwrap()[key] = value;
    object
}

/// No clock is held against a number: a check is compared with reading the same object on the same machine. Over so
/// many elements a linear one costs about as much or less, and a quadratic one hundreds of times as much.
#[test]
fn no_check_costs_the_square_of_anything() {
    let (policy, platform) = (policy(), platform());
    for (what, count) in [
        ("groups", 10_000),
        ("containers", 10_000),
        ("init containers", 10_000),
        ("variables", 60_000),
        ("mounts", 60_000),
        ("volumes", 60_000),
        ("tolerations", 60_000),
        ("resources", 60_000),
        ("entrypoint", 60_000),
        ("entrypoint's variables", 60_000),
        ("group resources", 60_000),
        ("groups without pods", 10_000),
        ("native sidecars", 10_000),
        ("images", 10_000),
        ("ports", 60_000),
        ("claims", 60_000),
        ("pod resources", 60_000),
        ("submitter's containers", 10_000),
    ] {
        let object = many(what, count);
        let text = object.to_string();
        let tree = Tree::of(&object).unwrap();
        let job = Workload::of(tree.root());
        let cx = Cx {
            policy: &policy,
            platform: &platform,
            facts: raygate::facts::Known::nothing("a"),
            namespace: "a",
            named: true,
            skipped: false,
        };
        let timed = |work: &dyn Fn()| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        let reading = || timed(&|| drop(black_box(serde_json::from_str::<Value>(&text))));
        for check in checks() {
            let checking = || {
                timed(&|| {
                    let mut findings = Findings::new();
                    (check.run)(&cx, &job, &mut findings);
                    black_box(findings);
                })
            };
            // A machine that was busy once may not be so the next time.
            assert!(
                (0..5).any(|_| checking() < reading() * 20),
                "{}: {count} {what} cost more than twenty times what reading them does",
                check.code
            );
        }
    }
}

/// How many times as many elements cost how many times as much: less than three times that. Were a step of the answers
/// quadratic, it would be as many times again. Of several runs the fastest counts: a busy machine makes none faster.
fn assert_no_square(what: &str, object: impl Fn(usize) -> Value, count: usize) {
    const TIMES: usize = 8;
    let gate = Gate::new(Bundle::embedded());
    let fastest = |count: usize| -> Duration {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"}, "operation": "CREATE",
            "namespace": "a", "name": "b", "userInfo": {"username": "c"}, "object": object(count),
        }});
        let review = review.to_string();
        let runs = (0..3).map(|_| {
            let start = Instant::now();
            for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
                let answer = gate.answer(endpoint, review.as_bytes(), jiff::Timestamp::UNIX_EPOCH);
                assert_eq!(answer.status, 200);
                let text = String::from_utf8_lossy(&answer.body);
                assert!(!text.contains("RG001"), "{count} {what} are more than raygate reads");
            }
            start.elapsed()
        });
        runs.min().unwrap()
    };
    let growth = || fastest(count * TIMES).as_secs_f64() / fastest(count).as_secs_f64();
    let grown: Vec<f64> = (0..3)
        .map(|_| growth())
        .take_while(|growth| *growth >= 3.0 * TIMES as f64)
        .collect();
    assert!(
        grown.len() < 3,
        "{what}: {TIMES} times as many cost {grown:.0?} times as much"
    );
}

#[test]
fn answers_cost_no_square_of_the_object() {
    for (what, count) in [
        ("groups", 200),
        ("groups without pods", 250),
        ("containers", 380),
        ("init containers", 380),
        ("variables", 750),
        ("mounts", 750),
        ("volumes", 750),
        ("tolerations", 750),
        ("resources", 1_000),
        ("entrypoint", 10_000),
        ("entrypoint's variables", 10_000),
        ("group resources", 2_000),
        ("native sidecars", 300),
        ("images", 500),
        ("ports", 750),
        ("claims", 750),
        ("pod resources", 1_000),
        ("submitter's containers", 380),
        ("labels", 2_000),
        ("annotations", 2_000),
    ] {
        assert_no_square(what, |count| many(what, count), count);
    }
}

/// A value of this schema that is as small as it can be; the `nth` differs from all others.
fn sample(schema: &Value, nth: usize) -> Value {
    let properties = &schema["properties"];
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let keys: BTreeSet<&str> = required
                .chain(properties["name"].is_object().then_some("name"))
                .collect();
            let members = keys
                .into_iter()
                .map(|key| (key.to_owned(), sample(&properties[key], nth)));
            Value::Object(members.collect())
        }
        Some("array") => json!([sample(&schema["items"], nth)]),
        Some("integer" | "number") => json!(nth + 1),
        Some("boolean") => json!(true),
        _ if schema["x-kubernetes-int-or-string"] == true => json!("1"),
        _ => json!(format!("v{nth}")),
    }
}

/// The pointers of all lists and maps of a schema, each with the schema of its elements. The first element of a list has
/// lists, too.
fn lists<'s>(schema: &'s Value, at: &str, all: &mut Vec<(String, &'s Value, bool)>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        if property["items"].is_object() {
            all.push((at.clone(), &property["items"], true));
            lists(&property["items"], &format!("{at}/0"), all);
        } else if property["additionalProperties"].is_object() {
            all.push((at.clone(), &property["additionalProperties"], false));
        }
        lists(property, &at, all);
    }
}

/// Puts a value at a pointer, whatever is there and on the way.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let Some((step, rest)) = pointer
        .trim_start_matches('/')
        .split_once('/')
        .or(Some((pointer.trim_start_matches('/'), "")))
        .filter(|(step, _)| !step.is_empty())
    else {
        *object = value;
        return;
    };
    if step == "0" {
        if object.as_array().is_none_or(Vec::is_empty) {
            *object = json!([{"name": "first"}]);
        }
        put(&mut object[0], rest, value);
    } else {
        if !object.is_object() {
            *object = json!({});
        }
        put(&mut object[step], rest, value);
    }
}

/// Every list and map of the RayJob's schema in the folder that `RAYGATE_RAY_CRDS` names, as for the cluster tests.
#[test]
#[ignore = "takes minutes, and needs KubeRay's CRDs"]
fn no_list_of_the_schema_costs_its_square() {
    let folder = std::env::var_os("RAYGATE_RAY_CRDS").expect("RAYGATE_RAY_CRDS names a folder with KubeRay's CRDs");
    let file = std::path::Path::new(&folder).join("ray.io_rayjobs.yaml");
    let crd: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let versions = crd["spec"]["versions"].as_array().unwrap();
    let v1 = versions.iter().find(|version| version["name"] == "v1").unwrap();
    let mut all = Vec::new();
    lists(&v1["schema"]["openAPIV3Schema"], "", &mut all);
    all.retain(|(at, _, _)| at.starts_with("/spec/"));
    assert!(all.len() > 500, "only {} lists", all.len());
    let mut faults = Vec::new();
    for (at, items, is_list) in &all {
        let element_count = |value: &Value| value.to_string().matches([',', '[', '{']).count() + 1;
        let count = 2_000 / element_count(&sample(items, 1)).max(1);
        let object = |count: usize| {
            let elements = (0..count).map(|nth| sample(items, nth));
            let value = if *is_list {
                Value::Array(elements.collect())
            } else {
                Value::Object(
                    elements
                        .enumerate()
                        .map(|(nth, value)| (format!("k{nth}"), value))
                        .collect(),
                )
            };
            let mut object = full();
            put(&mut object, at, value);
            object
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| assert_no_square(at, object, count)));
        if outcome.is_err() {
            faults.push(at);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
