//! What raygate adds to pods meets the Pod Security level that the pods met before, for the shipped policies, each folder of
//! the library, and a set with every setting.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::engine::admit::{answer_as_is, answer_mutate};
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::ray::defaults;
use raygate::ray::kind::KINDS;
use serde_json::{Value, json};

const CODE: &str = "RG611";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Source {
    Source::new(&path.display().to_string(), &fs::read_to_string(path).unwrap())
}

/// The sets of policies, by name.
fn policies() -> Vec<(String, Vec<Source>)> {
    let shipped = || read(&root("policies/default.yaml"));
    let mut sets = vec![("shipped".to_owned(), vec![shipped()])];
    for folder in files("policies/library").into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        sets.push((
            name.clone(),
            vec![shipped(), read(&folder.join(format!("{name}.yaml")))],
        ));
    }
    let full = fs::read_to_string(root("tests/policies/full.yaml")).unwrap();
    for readiness in ["Http", "Python", "Wget"] {
        let text = full.replace("readiness: Http", &format!("readiness: {readiness}"));
        sets.push((format!("full, {readiness}"), vec![Source::new("full.yaml", &text)]));
    }
    sets
}

fn bundle(mut sources: Vec<Source>, level: &str) -> Bundle {
    let spec = format!("{{match: {{}}, priority: 1000, limits: {{podSecurity: \"{level}\"}}}}");
    let text = format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: level}}\nspec: {spec}\n");
    sources.push(Source::new("level.yaml", &text));
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{}", errors.join("\n"));
    Bundle::new(loaded.set)
}

fn request(object: &Value) -> Request<'static> {
    Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or("team-a").to_owned(),
        user: "system:serviceaccount:flyte:flytepropeller".to_owned(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    }
}

/// How an author writes what the level restricted demands.
const WAYS: [&str; 3] = ["pod", "container", "nothing"];

/// Gives every pod the security contexts that the level restricted demands.
fn secure(object: &mut Value, way: &str) {
    if way == "nothing" {
        return;
    }
    let shared = json!({"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}});
    let own = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let container = |container: &mut Value| {
        container["securityContext"] = own.clone();
        if way == "container" {
            let context = container["securityContext"].as_object_mut().unwrap();
            context.extend(shared.as_object().unwrap().clone());
        }
    };
    let pod = |template: &mut Value| {
        if way == "pod" {
            template["spec"]["securityContext"] = shared.clone();
        }
        for list in ["containers", "initContainers"] {
            let containers = template["spec"].get_mut(list).and_then(Value::as_array_mut);
            containers.into_iter().flatten().for_each(container);
        }
    };
    let spec = &mut object["spec"];
    let template = |holder: &mut Value, key: &str| holder.get_mut(key).into_iter().for_each(pod);
    template(spec, "submitterPodTemplate");
    let Some(cluster) = spec.get_mut("rayClusterSpec") else {
        return;
    };
    cluster["autoscalerOptions"] = json!({});
    container(&mut cluster["autoscalerOptions"]);
    template(&mut cluster["headGroupSpec"], "template");
    let groups = cluster.get_mut("workerGroupSpecs").and_then(Value::as_array_mut);
    for group in groups.into_iter().flatten() {
        template(group, "template");
    }
}

#[test]
fn what_raygate_adds_meets_the_level_that_the_pods_met() {
    let jobs: Vec<Value> = files("tests/rayjobs")
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        .collect();
    let (mut tried, mut init) = (BTreeMap::new(), 0);
    for (name, sources) in policies() {
        for level in ["baseline", "restricted"] {
            let bundle = bundle(sources.clone(), level);
            let violations = |object: &Value| -> Vec<String> {
                let outcome = answer_as_is(&bundle, request(object));
                let found = outcome.findings.iter().filter(|judged| judged.code() == CODE);
                found.map(|judged| judged.finding.message.clone()).collect()
            };
            for (job, way) in jobs.iter().flat_map(|job| WAYS.map(|way| (job, way))) {
                let mut secured = job.clone();
                secure(&mut secured, way);
                for kind in KINDS {
                    let mut tree = Tree::of(&kind.from_job(Tree::of(&secured).unwrap().root())).unwrap();
                    defaults::apply(&mut tree);
                    let object = tree.root().to_value();
                    if !violations(&object).is_empty() {
                        continue;
                    }
                    *tried.entry((level, kind.name)).or_insert(0) += 1;
                    let mutated = answer_mutate(&bundle, request(&object)).document.value().to_value();
                    let job = &object["metadata"]["name"];
                    assert_eq!(violations(&mutated), [""; 0], "{name}, {way}, {}: {job}", kind.name);
                    init += usize::from(mutated.to_string().contains("raygate-wget"));
                }
            }
        }
    }
    for kind in KINDS {
        let [baseline, restricted] = ["baseline", "restricted"].map(|level| tried[&(level, kind.name)]);
        assert!(
            baseline > 500 && restricted > 300,
            "{}: {baseline} pods met baseline, {restricted} restricted",
            kind.name
        );
    }
    assert!(init > 200, "{init} got an init container");
}
