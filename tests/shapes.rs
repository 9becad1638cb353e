//! Objects of any shape: no check panics on one, points into nothing, or costs more than its share.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use raygate::policy::{Effective, Platform};
use raygate::ray::RayJob;
use raygate::rules::{Check, Cx, Findings, check};
use serde_json::{Value, json};

fn policy() -> Effective {
    let mut policy = Effective::default();
    policy.limits.max_gpus_per_job = Some(0);
    policy.limits.max_cpus_per_job = Some(raygate::k8s::quantity::Quantity::from_bytes(0));
    policy.limits.max_memory_per_job = policy.limits.max_cpus_per_job.clone();
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
        named: true,
    };
    (check.run)(&cx, &RayJob::of(object), &mut findings);
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
    json!({"metadata": {"name": "a", "annotations": {}}, "spec": {
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
            for check in check::all() {
                for finding in findings(check, &policy, &platform, &object) {
                    assert!(
                        finding.path.reaches(&object),
                        "{}: {} with {value} at {field}",
                        check.code,
                        finding.path
                    );
                }
            }
        }
    }
}

/// `count` copies of what may be many in a RayJob, by what is many.
fn many(what: &str, count: usize) -> Value {
    let mut object = full();
    let repeat = |value: &Value| -> Value { vec![value.clone(); count].into() };
    let numbered = |make: &dyn Fn(usize) -> Value| -> Value { (0..count).map(make).collect::<Vec<_>>().into() };
    let pod = "/spec/rayClusterSpec/headGroupSpec/template/spec";
    let mut put = |pointer: &str, value: Value| *object.pointer_mut(pointer).unwrap() = value;
    let container = format!("{pod}/containers/0");
    match what {
        "groups" => {
            let group = full()["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
            put(
                "/spec/rayClusterSpec/workerGroupSpecs",
                numbered(&|index| {
                    let mut group = group.clone();
                    group["groupName"] = format!("group-{index}").into();
                    group
                }),
            );
        }
        "containers" => put(
            &format!("{pod}/containers"),
            repeat(&full().pointer(&container).unwrap().clone()),
        ),
        "init containers" => put(
            &format!("{pod}/initContainers"),
            repeat(&full().pointer(&container).unwrap().clone()),
        ),
        "variables" => put(
            &format!("{container}/env"),
            numbered(&|index| json!({"name": format!("V{index}"), "value": "x"})),
        ),
        "mounts" => put(
            &format!("{container}/volumeMounts"),
            numbered(&|index| json!({"name": format!("v{index}"), "mountPath": format!("/m/{index}")})),
        ),
        "volumes" => put(
            &format!("{pod}/volumes"),
            numbered(&|index| json!({"name": format!("v{index}"), "emptyDir": {}})),
        ),
        "tolerations" => put(
            &format!("{pod}/tolerations"),
            numbered(&|index| json!({"key": format!("k{index}"), "operator": "Exists"})),
        ),
        "resources" => {
            let keys: Value = (0..count)
                .map(|index| (format!("example.com/r{index}"), json!("1")))
                .collect::<serde_json::Map<_, _>>()
                .into();
            put(
                &format!("{container}/resources"),
                json!({"requests": keys, "limits": keys}),
            );
        }
        "group resources" => put(
            "/spec/rayClusterSpec/workerGroupSpecs/0/resources",
            (0..count)
                .map(|index| (format!("r{index}"), json!("1")))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        ),
        _ => panic!("{what} is not known"),
    }
    object
}

/// The quickest of some runs, so that what else the machine does matters little.
fn quickest(check: &Check, policy: &Effective, platform: &Platform, object: &Value) -> Duration {
    let job = RayJob::of(object);
    let cx = Cx {
        policy,
        platform,
        named: true,
    };
    (0..5)
        .map(|_| {
            let start = Instant::now();
            let mut findings = Findings::new();
            (check.run)(&cx, &job, &mut findings);
            black_box(findings);
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// No clock is compared with a number of its own, only two runs with each other: sixteen times as much may cost
/// sixteen times as long, and a wide margin more; what is quadratic costs 256 times as long.
#[test]
fn no_check_costs_the_square_of_anything() {
    const FEW: usize = 500;
    const TIMES: u32 = 16;
    let (policy, platform) = (policy(), platform());
    for what in [
        "groups",
        "containers",
        "init containers",
        "variables",
        "mounts",
        "volumes",
        "tolerations",
        "resources",
        "group resources",
    ] {
        let (few, lots) = (many(what, FEW), many(what, FEW * TIMES as usize));
        for check in check::all() {
            let margin = TIMES * 6;
            // A quick run tells nothing, and a machine that was busy once may not be so twice.
            let is_linear = || {
                let least = Duration::from_micros(20);
                quickest(check, &policy, &platform, &lots)
                    < quickest(check, &policy, &platform, &few).max(least) * margin
            };
            assert!(
                (0..3).any(|_| is_linear()),
                "{}: {TIMES} times as many {what} take more than {margin} times as long",
                check.code
            );
        }
    }
}
