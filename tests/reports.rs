//! Objects after public reports, guides and samples: which codes reject each, which warn and which repair it, under the
//! shipped policies, and what must be left alone.
//!
//! `tests/reports/base.yaml` is a RayJob that works. A case in the other files merges its changes into parts of it (RFC
//! 7386): `metadata`, `job` (the spec), `cluster`, and for `head` and `worker` the group (`head`, `workers`), the pod
//! (`head-pod`, `worker-pod`) and the Ray container (`head-ray`, `worker-ray`). `kind: RayCluster` or `RayService` makes an
//! object of this kind of the job. `deny`, `warn` and `fix` are the codes that must be found, `after` what parts must hold
//! after the mutation: null for what must be missing. `policies` names a set of the library, `kuberay` the release that the
//! Platform names.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use raygate::diag::Sources;
use raygate::engine::admit::{How, admit};
use raygate::engine::{Bundle, Decoded, Operation, Request};
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::defaults;
use raygate::ray::kind::KINDS;
use raygate::yaml::{self, Limits, Reading};
use serde_json::{Value, json};

/// The parts of the base job that a case may change, and where they are.
const PARTS: &[(&str, &str)] = &[
    ("metadata", "/metadata"),
    ("job", "/spec"),
    ("cluster", "/spec/rayClusterSpec"),
    ("head", "/spec/rayClusterSpec/headGroupSpec"),
    ("head-pod", "/spec/rayClusterSpec/headGroupSpec/template/spec"),
    (
        "head-ray",
        "/spec/rayClusterSpec/headGroupSpec/template/spec/containers/0",
    ),
    ("workers", "/spec/rayClusterSpec/workerGroupSpecs/0"),
    ("worker-pod", "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec"),
    (
        "worker-ray",
        "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec/containers/0",
    ),
];

/// What else a case says.
const KEYS: &[&str] = &[
    "name", "report", "kind", "policies", "kuberay", "deny", "warn", "fix", "after",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports")
}

fn read(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut sources, name) = (Sources::new(), path.display().to_string());
    let (_, nodes, diagnostics) = yaml::read(&mut sources, &name, &text, Reading::Kubectl, &Limits::manifests());
    let errors: Vec<String> = diagnostics.iter().map(|error| error.concise(&sources)).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    nodes.first().map(|node| node.to_json()).expect("a document")
}

/// All cases, with the names of their files.
fn cases() -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| !file.ends_with("base.yaml"));
    files.sort();
    let of = |file: PathBuf| {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let cases = read(&file).as_array().expect("a list of cases").clone();
        cases.into_iter().map(move |case| (stem.clone(), case))
    };
    files.into_iter().flat_map(of).collect()
}

/// The object of a case.
fn object(base: &Value, case: &Value) -> Value {
    let mut object = base.clone();
    for key in case.as_object().expect("a case").keys() {
        let part = PARTS.iter().find(|(part, _)| part == key);
        assert!(
            part.is_some() || KEYS.contains(&&**key),
            "{}: unknown key {key}",
            case["name"]
        );
    }
    // From the inside out, so that a part may go with what is in it.
    for (part, pointer) in PARTS.iter().rev() {
        if let Some(change) = case.get(*part) {
            json_patch::merge(object.pointer_mut(pointer).expect(pointer), change);
        }
    }
    let Some(kind) = case.get("kind") else { return object };
    let kind = KINDS.iter().find(|known| kind == known.name).expect("a kind");
    kind.from_job(Tree::of(&object).unwrap().root())
}

fn bundle(library: Option<&str>, kuberay: Option<&str>) -> Bundle {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |path: &str| fs::read_to_string(policies.join(path)).unwrap();
    let mut default = read("default.yaml");
    let (name, own) = match (library, kuberay) {
        (Some(name), _) => (name, read(&format!("library/{name}/{name}.yaml"))),
        (None, Some(release)) => {
            let spec = json!({"kuberay": {"version": release}});
            let platform = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "Platform", "spec": spec});
            (release, format!("# kind: Platform\n{platform}"))
        }
        (None, None) => return Bundle::embedded(),
    };
    // A set with a Platform replaces the shipped one.
    if own.contains("kind: Platform") {
        default = default.split_once("\n---\n").expect("a Platform first").1.to_owned();
    }
    let sources = [Source::new("default.yaml", &default), Source::new("own.yaml", &own)];
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    assert!(loaded.is_usable(), "{name}: {:?}", loaded.diagnostics);
    Bundle::new(loaded.set)
}

/// What came of an object: the object after the mutation, and the codes that deny, warn and repair.
type Judged = (Value, [BTreeSet<String>; 3]);

/// Judges an object as `raygate check` does.
fn judge(bundle: &Bundle, object: &Value) -> Judged {
    let mut tree = Tree::of(object).unwrap();
    let decoded = Decoded::of(bundle, &mut tree);
    defaults::apply(&mut tree);
    let request = Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        user: String::new(),
        object: tree,
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    let mut outcome = admit(bundle, request, How::Both);
    decoded.complete(bundle, &mut outcome);
    let repaired = outcome.changes.iter().map(|change| change.by.to_owned());
    let repaired = repaired.filter(|by| by.starts_with("RG")).collect();
    let with = |action: Action| {
        let found = outcome.findings.iter().filter(|judged| judged.action == action);
        found.map(|judged| judged.code().to_owned()).collect()
    };
    let codes = [with(Action::Deny), with(Action::Warn), repaired];
    (outcome.document.value().to_value(), codes)
}

/// Whether a value holds what is wanted: at least these entries of an object, these elements of a list in this order.
fn holds(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| holds(actual.get(key).unwrap_or(&Value::Null), wanted)),
        (Value::Array(actual), Value::Array(wanted)) => {
            actual.len() == wanted.len() && actual.iter().zip(wanted).all(|(actual, wanted)| holds(actual, wanted))
        }
        // What is missing has no entries either.
        (Value::Null, Value::Object(wanted)) => wanted.values().all(|wanted| holds(&Value::Null, wanted)),
        _ => actual == wanted,
    }
}

#[test]
fn reports_are_judged_rightly() {
    let base = read(&folder().join("base.yaml"));
    let mut bundles: BTreeMap<[Option<String>; 2], Bundle> = BTreeMap::new();
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for (file, case) in cases() {
        let name = format!("{file}: {}", case["name"].as_str().expect("a name"));
        assert!(names.insert(name.clone()), "{name} is there twice");
        let by = ["policies", "kuberay"].map(|key| case[key].as_str().map(str::to_owned));
        let bundle = bundles
            .entry(by.clone())
            .or_insert_with(|| bundle(by[0].as_deref(), by[1].as_deref()));
        let (after, found) = judge(bundle, &object(&base, &case));
        let wanted = ["deny", "warn", "fix"].map(|key| {
            let codes = case[key].as_array().cloned().unwrap_or_default();
            codes
                .iter()
                .map(|code| code.as_str().expect("a code").to_owned())
                .collect::<BTreeSet<_>>()
        });
        if found != wanted {
            wrong.push(format!("{name}: {found:?}, not {wanted:?}"));
        }
        for (part, wanted) in case["after"].as_object().into_iter().flatten() {
            let (_, pointer) = PARTS.iter().find(|(known, _)| known == part).expect("a part");
            let actual = after.pointer(pointer).unwrap_or(&Value::Null);
            if !holds(actual, wanted) {
                wrong.push(format!("{name}: {part} is {actual}, not {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() >= 250, "{} reports", names.len());
}

/// The base job and twenty groups of it, which are more pod sets than Kueue takes.
#[test]
fn many_groups_in_a_queue_warn() {
    let mut job = read(&folder().join("base.yaml"));
    assert_eq!(judge(&Bundle::embedded(), &job).1, [const { BTreeSet::new() }; 3]);
    job["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "team"});
    let group = job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].clone();
    let groups = (0..20).map(|number| {
        let mut group = group.clone();
        group["groupName"] = json!(format!("w{number}"));
        group
    });
    job["spec"]["rayClusterSpec"]["workerGroupSpecs"] = groups.collect();
    let [denies, warns, _] = judge(&Bundle::embedded(), &job).1;
    assert_eq!((denies, warns), (BTreeSet::new(), BTreeSet::from(["RG709".to_owned()])));
}

/// A namespace that demands restricted pods takes the wget's init container as it takes the Ray container.
#[test]
fn an_init_container_is_as_restricted_as_the_ray_container() {
    let base = read(&folder().join("base.yaml"));
    let restricted = |(_, case): &(String, Value)| case["name"] == "restricted Pod Security on the containers";
    let (_, case) = cases().into_iter().find(restricted).expect("the case");
    let (after, _) = judge(&bundle(Some("slim-images"), None), &object(&base, &case));
    let pod = &after["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"];
    let context = &pod["initContainers"][0]["securityContext"];
    assert_eq!(context["runAsNonRoot"], json!(true));
    assert_eq!(
        context["seccompProfile"],
        pod["containers"][0]["securityContext"]["seccompProfile"]
    );
    assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
}

/// What a policy writes into the node selector is no choice of the author.
#[test]
fn a_pool_of_the_policies_takes_the_policies_model_too() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read_policy = |path: &str| fs::read_to_string(policies.join(path)).unwrap();
    let pool = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: pool}\n\
                spec: {match: {}, priority: 2, defaults: {workers: {nodeSelector: {pool: training}}}}";
    let sources = [
        Source::new(
            "default.yaml",
            read_policy("default.yaml").split_once("\n---\n").unwrap().1,
        ),
        Source::new("nvidia.yaml", &read_policy("library/nvidia/nvidia.yaml")),
        Source::new("pool.yaml", pool),
    ];
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
    let bundle = Bundle::new(loaded.set);
    let mut job = read(&folder().join("base.yaml"));
    let pointer = "/spec/rayClusterSpec/workerGroupSpecs/0/template/spec";
    job.pointer_mut(pointer).unwrap()["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = json!(1);
    for _ in 0..2 {
        (job, _) = judge(&bundle, &job);
        let selector = &job.pointer(pointer).unwrap()["nodeSelector"];
        assert_eq!(
            *selector,
            json!({"pool": "training", "nvidia.com/gpu.product": "NVIDIA-L4"})
        );
    }
}
