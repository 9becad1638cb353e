//! Every limit holds in every place of every kind of Ray object. The places are those of the model: a new one does not
//! compile here before it says what an author may put there.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use raygate::engine::bundle::known;
use raygate::engine::{Bundle, How, Operation, Request, Verdict, admit};
use raygate::json::Tree;
use raygate::k8s::path::{Path, Step};
use raygate::policy::load::Source;
use raygate::policy::schema;
use raygate::ray::container::Slot;
use raygate::ray::kind::KINDS;
use raygate::ray::{Place, Role, Workload, defaults};
use serde_json::{Value, json};

const IMAGE: &str = "ghcr.io/my-org/ray:2.52.1";
const OTHER: &str = "docker.io/other/x:1";

const PLATFORM: &str = r#"
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  kuberay: {version: "1.7", featureGates: {RayClusterHistoryServer: true}}
  accelerators:
    a100: {resource: nvidia.com/gpu, claimTemplates: {hundred: 100}, deviceClasses: {ten: 10}}
"#;

/// A pod template with a container of each list, and a volume.
fn template(name: &str) -> Value {
    let small = json!({"cpu": "1", "memory": "4Gi"});
    let container =
        |name: &str| json!({"name": name, "image": IMAGE, "resources": {"requests": small, "limits": small}});
    let mut sidecar = container("sidecar");
    sidecar["restartPolicy"] = "Always".into();
    json!({"spec": {
        "containers": [container(name), container("beside")],
        "initContainers": [sidecar, container("init")],
        "ephemeralContainers": [{"name": "debug", "image": IMAGE}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "restartPolicy": "Never",
    }})
}

/// A RayJob that has every place of the model, with little in each.
fn job() -> Value {
    json!({
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": "a", "namespace": "ml"},
        "spec": {
            "entrypoint": "python train.py",
            "runtimeEnvYAML": "env_vars: {A: b}",
            "submitterPodTemplate": template("ray-job-submitter"),
            "rayClusterSpec": {
                "enableInTreeAutoscaling": true,
                "autoscalerOptions": {"image": IMAGE},
                "historyServerOptions": {"collectorOptions": {"image": IMAGE, "env": [
                    {"name": "STORAGE_BACKEND", "value": "GCS"}, {"name": "GCS_BUCKET", "value": "logs"},
                ]}},
                "headGroupSpec": {"rayStartParams": {}, "template": template("ray-head")},
                "workerGroupSpecs": [{"groupName": "w", "replicas": 1, "minReplicas": 1, "maxReplicas": 2,
                    "rayStartParams": {}, "template": template("ray-worker")}],
            },
        },
    })
}

/// The object of every kind, each with all places that its kind has.
fn objects() -> Vec<Value> {
    let job = Tree::of(&job()).unwrap();
    let objects = KINDS.iter().map(|kind| {
        let mut object = kind.from_job(job.root());
        if kind.name == "RayService" {
            object["spec"]["serveConfigV2"] = "applications: [{name: a, import_path: 'a:b'}]".into();
        }
        object
    });
    objects.collect()
}

/// What exceeds a limit in a place: where it is put, and what. `None` where the place has nothing of that kind.
fn excess(limit: &str, place: &Place<'_, '_>) -> Option<(Path, Value)> {
    let at = place.path();
    match place {
        Place::Pod(pod) => {
            let spec = pod.spec_path();
            let claim = |template: &str| json!([{"name": "a", "resourceClaimTemplateName": template}]);
            let own = |key: &'static str, value: &str| {
                Some((
                    spec.keys(["resources"]),
                    json!({"requests": {key: value}, "limits": {key: value}}),
                ))
            };
            match limit {
                "maxGpusPerJob" | "accelerators" => Some((spec.key("resourceClaims"), claim("hundred"))),
                "unknownDevices" => Some((spec.key("resourceClaims"), claim("other"))),
                "maxCpusPerJob" => own("cpu", "500"),
                "maxMemoryPerJob" => own("memory", "9Ti"),
                "podSecurity" => Some((spec.key("hostPID"), json!(true))),
                "maxPodsPerJob" | "maxWorkersPerGroup" if pod.role == Role::Worker => {
                    Some((pod.group_path().key("maxReplicas"), json!(500)))
                }
                _ => None,
            }
        }
        Place::Container(_, container) => {
            let may_ask = match container.slot {
                Slot::Main | Slot::Init | Slot::Autoscaler | Slot::Collector => true,
                // Kubernetes gives it no resources.
                Slot::Ephemeral => false,
                // The object does not describe them.
                Slot::WaitForHead | Slot::DefaultSubmitter => return None,
            };
            let asks = |key: &str, value: &str| {
                let block = json!({key: value});
                may_ask.then(|| (at.key("resources"), json!({"requests": block, "limits": block})))
            };
            match limit {
                "maxGpusPerJob" => asks("nvidia.com/gpu", "100"),
                "accelerators" => asks("deviceclass.resource.kubernetes.io/ten", "10"),
                "unknownDevices" => asks("example.com/chip", "1"),
                "maxCpusPerJob" => asks("cpu", "500"),
                "maxMemoryPerJob" => asks("memory", "9Ti"),
                "allowedImages" => Some((at.key("image"), json!(OTHER))),
                // Its options have no security context.
                "podSecurity" if container.slot != Slot::Collector => {
                    Some((at.key("securityContext"), json!({"privileged": true})))
                }
                _ => None,
            }
        }
        Place::Volume(..) => match limit {
            "allowedImages" => Some((at, json!({"name": "v", "image": {"reference": OTHER}}))),
            "podSecurity" => Some((at, json!({"name": "v", "hostPath": {"path": "/"}}))),
            _ => None,
        },
        Place::RuntimeEnv(..) => (limit == "allowedImages").then(|| (at, json!(format!("image_uri: {OTHER}")))),
        Place::ServeConfig(_) => (limit == "allowedImages").then(|| {
            let config =
                format!("applications: [{{name: a, import_path: 'a:b', runtime_env: {{image_uri: '{OTHER}'}}}}]");
            (at, json!(config))
        }),
    }
}

/// The limits that hold in places, with values that the objects keep, and the code of what exceeds them.
const LIMITS: [(&str, &str, &str); 9] = [
    ("maxGpusPerJob", "maxGpusPerJob: 50", "RG310"),
    ("accelerators", "accelerators: {a100: 50}", "RG322"),
    ("unknownDevices", "maxGpusPerJob: 50, unknownDevices: Deny", "RG321"),
    ("maxCpusPerJob", "maxCpusPerJob: '100'", "RG213"),
    ("maxMemoryPerJob", "maxMemoryPerJob: 1Ti", "RG214"),
    ("maxPodsPerJob", "maxPodsPerJob: 100", "RG507"),
    ("maxWorkersPerGroup", "maxWorkersPerGroup: 100", "RG506"),
    ("allowedImages", "allowedImages: ['ghcr.io/my-org/**']", "RG601"),
    ("podSecurity", "podSecurity: baseline", "RG611"),
];

/// The limits on single fields, which tests of their checks hold.
const OF_FIELDS: [&str; 6] = [
    "maxTtlSeconds",
    "maxDeletionDelaySeconds",
    "maxActiveDeadlineSeconds",
    "maxPreRunningDeadlineSeconds",
    "maxBackoffLimit",
    "clusterSelector",
];

fn bundle(limits: &str) -> Bundle {
    let policy = format!(
        "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: caps}}\nspec: {{match: {{}}, actions: {{RG925: Audit}}, limits: {{{limits}}}}}\n"
    );
    let files = [Source::new("a.yaml", &policy), Source::new("b.yaml", PLATFORM)];
    let loaded = raygate::policy::load(&files, &known());
    let errors: Vec<String> = loaded
        .diagnostics
        .iter()
        .map(|one| one.concise(&loaded.sources))
        .collect();
    assert!(loaded.is_usable(), "{limits}: {errors:#?}");
    Bundle::new(loaded.set)
}

/// A request of somebody, for a new object or a change of an old one.
fn request(object: &Value, old: Option<&Value>) -> Request<'static> {
    let tree = |object: &Value| {
        let mut tree = Tree::of(object).unwrap();
        defaults::apply(&mut tree);
        tree
    };
    Request {
        operation: old.map_or(Operation::Create, |_| Operation::Update),
        namespace: "ml".to_owned(),
        user: "somebody".to_owned(),
        object: tree(object),
        old: old.map(tree),
        now: "2026-06-01T00:00:00Z".parse().unwrap(),
        facts: raygate::facts::Facts::none(),
    }
}

/// The codes that deny the creation of an object.
fn denials(bundle: &Bundle, object: &Value) -> BTreeSet<String> {
    let outcome = admit(bundle, request(object, None), How::AsItIs);
    let denying = outcome.findings.iter().filter(|judged| judged.action.name() == "Deny");
    let codes = denying.map(|judged| judged.code().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(outcome.verdict == Verdict::Deny, !codes.is_empty());
    codes
}

/// Puts a value at a path, over what is there.
fn put(object: &mut Value, path: &Path, value: Value) {
    let place = path.steps().iter().fold(object, |at, step| match step {
        Step::Key(key) => &mut at[&**key],
        Step::Index(index) => &mut at[*index],
    });
    *place = value;
}

#[test]
fn every_limit_is_here() {
    let all: BTreeSet<&str> = schema::LIMITS.iter().map(|field| field.key).collect();
    let here: BTreeSet<&str> = LIMITS.iter().map(|(key, ..)| *key).chain(OF_FIELDS).collect();
    assert_eq!(here, all);
}

#[test]
fn every_limit_holds_in_every_place_of_every_kind() {
    let mut places = 0;
    for (limit, policy, code) in LIMITS {
        let bundle = bundle(policy);
        for object in objects() {
            let kind = object["kind"].clone();
            assert_eq!(denials(&bundle, &object), BTreeSet::new(), "{kind} {limit}");
            let tree = Tree::of(&object).unwrap();
            let job = Workload::of(tree.root());
            let mut here = 0;
            for place in job.places() {
                let Some((path, value)) = excess(limit, &place) else {
                    continue;
                };
                let mut object = object.clone();
                put(&mut object, &path, value);
                let denials = denials(&bundle, &object);
                assert!(denials.contains(code), "{kind} {limit} at {path}: {denials:?}");
                here += 1;
            }
            assert!(here > 0, "{kind} {limit}");
            places += here;
        }
    }
    assert!(places > 300, "{places}");
}

#[test]
fn kuberays_own_submitter_counts() {
    for (limit, code) in [
        ("maxPodsPerJob: 3", "RG507"),
        ("maxCpusPerJob: '3'", "RG213"),
        ("maxMemoryPerJob: 12Gi", "RG214"),
    ] {
        let small = json!({"cpu": "1", "memory": "4Gi"});
        let template = json!({"spec": {"containers": [{"name": "c", "image": IMAGE, "resources": {"requests": small, "limits": small}}]}});
        let mut object = job();
        object["spec"]["submitterPodTemplate"] = Value::Null;
        object["spec"]["rayClusterSpec"] = json!({
            "headGroupSpec": {"rayStartParams": {}, "template": template},
            "workerGroupSpecs": [{"groupName": "w", "replicas": 2, "minReplicas": 2, "maxReplicas": 2, "rayStartParams": {},
                "template": template}],
        });
        let bundle = bundle(limit);
        assert!(denials(&bundle, &object).contains(code), "{limit}");
        object["spec"]["submissionMode"] = "HTTPMode".into();
        assert_eq!(denials(&bundle, &object), BTreeSet::new(), "{limit}");
    }
}

#[test]
fn of_many_findings_some_are_kept_and_all_are_counted() {
    let groups = |count: usize| {
        let group = |nth: usize| {
            json!({"groupName": format!("g{nth}"), "replicas": 1, "minReplicas": 1, "maxReplicas": 1,
            "rayStartParams": {}, "template": {"spec": {"containers": [{"name": "c", "image": OTHER}]}}})
        };
        let mut object = job();
        object["metadata"]["name"] = "a".into();
        object["spec"]["rayClusterSpec"]["workerGroupSpecs"] = (0..count).map(group).collect();
        object["status"] = json!({"rayClusterName": "a-x", "jobDeploymentStatus": "Running"});
        object
    };
    let bundle = bundle("allowedImages: ['ghcr.io/my-org/**']");
    let (kept, all) = (100, 300);
    let outcome = admit(&bundle, request(&groups(all), None), How::AsItIs);
    let found: Vec<_> = outcome
        .findings
        .iter()
        .filter(|judged| judged.code() == "RG601")
        .collect();
    assert_eq!(found.len(), kept);
    assert_eq!(found.iter().map(|judged| 1 + judged.more).sum::<usize>(), all);
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert!(found[kept - 1].message().ends_with("(and 200 more findings of RG601)"));

    // An update is judged by all of them: the one that it adds is far behind those that are kept.
    let update = |new: &Value| {
        let outcome = admit(&bundle, request(new, Some(&groups(all))), How::Both);
        let found = outcome.findings.iter().filter(|judged| judged.code() == "RG601");
        found.map(|judged| judged.finding.path.to_string()).collect::<Vec<_>>()
    };
    let mut labelled = groups(all);
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(update(&labelled), Vec::<String>::new());
    let added = format!("spec.rayClusterSpec.workerGroupSpecs[{all}].template.spec.containers[0].image");
    assert_eq!(update(&groups(all + 1)), [added]);
}
