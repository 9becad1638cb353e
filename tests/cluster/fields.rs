//! The fields of KubeRay's CRDs, as raygate and the API server read them.

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;

use raygate::json::Tree;
use raygate::k8s::path::{Path, Step};
use raygate::ray::crd;
use raygate::ray::kind::{KINDS, RAY_CRON_JOB};
use raygate::ray::{Kind, KubeRay};
use serde_json::{Value, json};

use crate::cluster::{Cluster, objects_path};
use crate::random::Random;
use crate::rayjobs::{all, as_kind, named};

/// The mistakes for each kind.
const COUNT: usize = 600;

/// The fields that the API server drops are those that raygate names; what raygate says it rejects, it rejects; and what it
/// rejects beyond that is a pattern, a bound or another rule that the table does not have.
pub(crate) fn mistakes_are_found_as_the_cluster_finds_them(cluster: &Cluster) {
    let Some(release) = release() else {
        println!("SKIPPED: RAYGATE_RAY_CRDS names no CRDs of a release");
        return;
    };
    let seeds: Vec<Value> = all().into_iter().map(|(_, job)| job).collect();
    for kind in KINDS {
        if kind.is(&RAY_CRON_JOB) && release < KubeRay::V1_6 {
            continue;
        }
        if !has_crd(kind) {
            println!(
                "SKIPPED: {}: the folder of RAYGATE_RAY_CRDS has no CRD of it",
                kind.name
            );
            continue;
        }
        let mut random = Random::new(20_261_130);
        let (mut differences, mut with_unknown, mut rejected, mut beyond) = (Vec::new(), 0, 0, 0);
        for number in 0..COUNT {
            let seed = &seeds[random.below(seeds.len())];
            let mut object = named(as_kind(kind, seed), "fields");
            for _ in 0..=random.below(2) {
                spoil(&mut random, &mut object);
            }
            // What kind of object it is and its name are not the CRD's.
            object["apiVersion"] = json!("ray.io/v1");
            object["kind"] = json!(kind.name);
            object["metadata"]["name"] = json!("fields");
            let answer = cluster.api.post(
                &format!("{}?dryRun=All&fieldValidation=Warn", objects_path(kind)),
                &object,
            );
            let mut tree = Tree::of(&object).unwrap();
            let unknown = crd::unknown_fields(tree.root(), Some(release));
            crd::prune(&mut tree, &unknown);
            let mismatches = crd::mismatches(tree.root(), Some(release));
            // Of a value that has another type, it drops all that is in it as well.
            let is_inside = |path: &String| {
                mismatches.iter().any(|problem| {
                    let rest = path.strip_prefix(&plain(&problem.path));
                    rest.is_some_and(|rest| rest.starts_with(['.', '[']))
                })
            };
            let named = answer.warnings.iter();
            let named = named.filter_map(|warning| warning.strip_prefix("unknown field \"")?.strip_suffix('"'));
            let theirs: BTreeSet<String> = named
                .map(str::to_owned)
                .filter(|path| !is_null(&object, path) && !is_inside(path))
                .collect();
            let ours: BTreeSet<String> = unknown.iter().map(|problem| plain(&problem.path)).collect();
            with_unknown += usize::from(!theirs.is_empty());
            rejected += usize::from(answer.code != 201);
            let is_wrong = !mismatches.is_empty() && answer.code == 201;
            let is_beyond = mismatches.is_empty() && answer.code != 201;
            beyond += usize::from(is_beyond);
            // An object that cannot be decoded has no warnings.
            let is_other = ours != theirs && answer.code != 400;
            if is_wrong || is_other || is_beyond && !is_left_out(answer.message()) {
                differences.push(format!(
                    "{number}: ours {ours:?}, {mismatches:?}\ntheirs {theirs:?}, {} {}",
                    answer.code,
                    answer.message()
                ));
            }
        }
        let first = differences.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n");
        assert!(
            differences.is_empty(),
            "{}: {} of {COUNT} differ:\n{first}",
            kind.name,
            differences.len()
        );
        println!(
            "{}: {with_unknown} with unknown fields, {rejected} rejected, {beyond} by other rules",
            kind.name
        );
        assert!(
            with_unknown > 100 && rejected > 100,
            "{}: {with_unknown}, {rejected}",
            kind.name
        );
    }
}

/// The release in the name of the folder that the CRDs are in.
fn release() -> Option<KubeRay> {
    let folder = env::var_os("RAYGATE_RAY_CRDS")?;
    let folder = folder.to_string_lossy().into_owned();
    let names = folder.split(['/', '@']);
    names.rev().find_map(|name| name.parse().ok())
}

/// Whether the cluster has KubeRay's own CRD of a kind.
fn has_crd(kind: &Kind) -> bool {
    let folder = env::var_os("RAYGATE_RAY_CRDS").map(PathBuf::from);
    folder.is_some_and(|folder| folder.join(format!("ray.io_{}.yaml", kind.resource)).is_file())
}

/// A path as the API server writes it.
fn plain(path: &Path) -> String {
    let mut text = String::new();
    for step in path.steps() {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn is_null(object: &Value, path: &str) -> bool {
    let pointer = path.replace('[', "/").replace(']', "").replace('.', "/");
    object.pointer(&format!("/{pointer}")).is_some_and(Value::is_null)
}

/// Whether the API server rejects an object for something that the table leaves out.
fn is_left_out(message: &str) -> bool {
    [
        "should match",
        "should be",
        "metadata.",
        "must validate",
        "cannot be empty",
        "at least",
        "Forbidden",
        "Too long",
    ]
    .iter()
    .any(|part| message.contains(part))
}

/// Makes one mistake somewhere.
fn spoil(random: &mut Random, object: &mut Value) {
    let mut pointers = Vec::new();
    collect(object, String::new(), &mut pointers);
    let pointer = pointers[random.below(pointers.len())].clone();
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(2.5),
        json!("text"),
        json!(""),
        json!([]),
        json!(["a"]),
        json!({}),
        json!({"a": "b"}),
    ];
    let value = values[random.below(values.len())].clone();
    let names = [
        "foo",
        "replica",
        "image",
        "env",
        "spec",
        "enableInTreeAutoscaling",
        "runtimeEnvYaml",
        "securityContext",
    ];
    let name = random.pick(&names).to_owned();
    let removes = random.one_in(3);
    match object.pointer_mut(&pointer).expect("the place is there") {
        Value::Object(fields) if removes => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            if let Some(key) = keys.get(random.below(keys.len().max(1))) {
                let value = fields.remove(key);
                if random.one_in(2) {
                    fields.insert(random.mutate(key, "abcXYZ"), value.unwrap_or_default());
                }
            }
        }
        Value::Object(fields) => drop(fields.insert(name, value)),
        Value::Array(items) if !items.is_empty() && removes => items.push(items[0].clone()),
        other => *other = value,
    }
}

/// The places below the spec.
fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !(at.is_empty() && *key != "spec")) {
                collect(
                    value,
                    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    pointers,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{at}/{index}"), pointers);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        pointers.push(at);
    }
}
