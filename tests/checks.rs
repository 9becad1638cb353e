//! Every check: the two examples of its page, and its cases in `tests/checks/CODE.yaml`.
//!
//! A case is merged into the base job, or into a RayJob as Flyte sends it (`from`), and judged as it is. With another `kind`
//! in `set`, the cluster of that job becomes an object of this kind first. `finds` holds what
//! its code finds: the path of each finding, and the sentence of a denial. `policy` and `platform` hold the spec of a
//! RayPolicy and of the Platform, `kuberay` the version, or `unnamed` for a Platform that names none, `facts` what is known
//! of the cluster. `warns: true` says that what is found never denies.
//! `repaired: true` says that the mutated object is free of the code.
//!
//! `RAYGATE_BLESS=1 cargo test --test checks` writes `finds` anew.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "checks/kinds.rs"]
mod kinds;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use raygate::admission::denial;
use raygate::engine::admit::{answer_as_is, answer_mutate};
use raygate::engine::{Bundle, Operation, Request};
use raygate::facts::Facts;
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::{defaults, kind};
use raygate::rules::check::Evidence;
use raygate::rules::{Check, check};
use raygate::suite::merge;
use raygate::yaml::{self, Limits, Node, Reading};
use serde_json::{Map, Value, json};

fn read_yaml(name: &str, text: &str) -> Value {
    read_node(name, text).to_json()
}

fn read_node(name: &str, text: &str) -> Node {
    let mut sources = raygate::diag::Sources::new();
    let (_, mut nodes, diagnostics) = yaml::read(
        &mut sources,
        name,
        text.as_bytes(),
        Reading::Kubectl,
        &Limits::manifests(),
    );
    let errors: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.concise(&sources))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert_eq!(nodes.len(), 1, "{name} must hold one document");
    nodes.remove(0)
}

fn text_of(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read_file(path: &str) -> Value {
    read_yaml(path, &text_of(path))
}

/// The text of a file of cases with other `finds`, one list for each case.
fn blessed(text: &str, cases: &[Node], found: &[Vec<Value>]) -> String {
    let mut text = text.to_owned();
    for (case, found) in cases.iter().zip(found).rev() {
        let entry = case.entry("finds").expect("finds");
        let list = yaml::emit(&json!(found));
        let finds = match found.is_empty() {
            true => "finds: []".to_owned(),
            false => format!("finds:\n    {}", list.trim_end().replace('\n', "\n    ")),
        };
        text.replace_range(entry.key.span.start..entry.value.span.end, &finds);
    }
    text
}

/// The newest KubeRay for which a check holds, with the gates that it needs.
fn kuberay_of(check: &Check) -> Value {
    let version = check.versions.until.unwrap_or_default().max(check.versions.since);
    let mut gates = Map::new();
    if let Some((gate, on)) = check.versions.gate {
        gates.insert(gate.to_owned(), on.into());
    }
    json!({"version": version.to_string(), "featureGates": gates})
}

fn bundle(mut kuberay: Value, platform: Value, policy: Value) -> Bundle {
    if kuberay["version"].is_null() {
        kuberay.as_object_mut().unwrap().remove("version");
    }
    let mut platform_spec = json!({"kuberay": kuberay, "accelerators": {"nvidia": {"resource": "nvidia.com/gpu",
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}}});
    merge(&mut platform_spec, platform);
    let platform = json!({"apiVersion": "raygate.dev/v1beta1", "kind": "Platform", "spec": platform_spec});
    let shipped = raygate::engine::bundle::EMBEDDED[0].1.split("\n---\n").nth(1).unwrap();
    let mut own = json!({"match": {}, "priority": 1});
    merge(&mut own, policy);
    let own =
        json!({"apiVersion": "raygate.dev/v1beta1", "kind": "RayPolicy", "metadata": {"name": "case"}, "spec": own});
    let sources = [
        Source::new("platform.yaml", &platform.to_string()),
        Source::new("default.yaml", shipped),
        Source::new("case.yaml", &own.to_string()),
    ];
    let loaded = raygate::policy::load(&sources, &raygate::engine::bundle::known());
    let errors: Vec<String> = loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.concise(&loaded.sources))
        .collect();
    assert!(loaded.is_usable(), "{}", errors.join("\n"));
    Bundle::new(loaded.set)
}

fn request(object: &Value, facts: &Value) -> Request<'static> {
    Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: facts_of(facts),
    }
}

/// The facts of a case: what a file with facts has below `kinds`.
fn facts_of(kinds: &Value) -> Arc<Facts> {
    let tree = Tree::of(kinds).unwrap();
    Arc::new(Facts::of_kinds(tree.root()).unwrap().timeless())
}

fn with_defaults(object: &Value) -> Value {
    let mut tree = Tree::of(object).unwrap();
    defaults::apply(&mut tree);
    tree.root().to_value()
}

/// The path and the sentence of each finding of a code.
fn finds(bundle: &Bundle, code: &str, (object, facts): (&Value, &Value)) -> Vec<Value> {
    let request = request(object, facts);
    let tree = request.object.clone();
    let outcome = answer_as_is(bundle, request);
    let findings = outcome.findings.iter().filter(|judged| judged.code() == code);
    findings
        .inspect(|judged| {
            assert!(
                judged.finding.path.reaches(tree.root()),
                "{code}: {} leads nowhere",
                judged.finding.path
            )
        })
        .map(|judged| json!({"path": judged.finding.path.to_string(), "says": denial::one(judged)}))
        .collect()
}

/// A file's RayJob, as the kind that the changes name, with the changes merged in.
fn changed(base: &str, changes: Value) -> Value {
    let rayjob = read_file(base);
    let kind = changes["kind"].as_str();
    let mut object = kind.map_or(rayjob.clone(), |kind| {
        kind::named(kind)
            .expect(kind)
            .from_job(Tree::of(&rayjob).unwrap().root())
    });
    merge(&mut object, changes);
    with_defaults(&object)
}

/// The YAML below a heading of a page.
fn example(check: &Check, heading: &str) -> Value {
    let page = check.page;
    let below = page.split(&format!("# {heading}\n```yaml\n")).nth(1);
    let below = below.unwrap_or_else(|| panic!("{} has no example under `# {heading}`", check.code));
    read_yaml(check.code, below.split("```").next().unwrap())
}

#[test]
fn every_page_has_its_parts_and_its_examples_are_true() {
    for check in check::all() {
        let page = check.page;
        for heading in ["# What it does\n", "# Why it is bad\n", "# What fixes it\n"] {
            assert!(page.contains(heading), "{}: no heading {heading:?}", check.code);
        }
        for (heading, found) in [("Fails", true), ("Passes", false)] {
            let mut fragment = example(check, heading);
            let take = |fragment: &mut Value, key: &str| {
                fragment
                    .as_object_mut()
                    .and_then(|map| map.remove(key))
                    .unwrap_or_else(|| json!({}))
            };
            let [policy, platform, facts] = ["policy", "platform", "facts"].map(|key| take(&mut fragment, key));
            let object = changed("tests/checks/base.yaml", fragment);
            let found_at = finds(
                &bundle(kuberay_of(check), platform, policy),
                check.code,
                (&object, &facts),
            );
            assert_eq!(
                !found_at.is_empty(),
                found,
                "{}: the example under {heading} finds {found_at:?}",
                check.code
            );
        }
    }
}

#[test]
fn every_check_has_cases_and_they_hold() {
    let is_blessed = std::env::var_os("RAYGATE_BLESS").is_some();
    for check in check::all() {
        let file = format!("tests/checks/{}.yaml", check.code);
        let text = text_of(&file);
        let nodes = read_node(&file, &text);
        let nodes = nodes
            .as_sequence()
            .unwrap_or_else(|| panic!("{file} is no list of cases"));
        let cases: Vec<Value> = nodes.iter().map(Node::to_json).collect();
        let mut found = Vec::new();
        let (mut breaks, mut passes, mut from_flyte) = (false, false, false);
        for case in &cases {
            let name = case["name"]
                .as_str()
                .unwrap_or_else(|| panic!("{file}: a case without a name"));
            let known = [
                "name", "from", "set", "policy", "platform", "kuberay", "gates", "facts", "finds", "warns", "repaired",
            ];
            for key in case.as_object().unwrap().keys() {
                assert!(known.contains(&key.as_str()), "{file}: {name}: unknown key {key}");
            }
            let base = match case["from"].as_str() {
                Some(seed) => format!("tests/rayjobs/{seed}.json"),
                None => "tests/checks/base.yaml".to_owned(),
            };
            let object = changed(&base, case.get("set").cloned().unwrap_or_else(|| json!({})));
            let mut kuberay = kuberay_of(check);
            if let Some(version) = case["kuberay"].as_str() {
                kuberay["version"] = if version == "unnamed" {
                    Value::Null
                } else {
                    version.into()
                };
            }
            if let Some(gates) = case.get("gates") {
                merge(&mut kuberay["featureGates"], gates.clone());
            }
            let part = |key: &str| case.get(key).cloned().unwrap_or_else(|| json!({}));
            let bundle = bundle(kuberay, part("platform"), part("policy"));
            let wanted = case["finds"].as_array().expect(name);
            let facts = part("facts");
            let finds_now = finds(&bundle, check.code, (&object, &facts));
            if !is_blessed {
                assert_eq!(
                    &finds_now, wanted,
                    "{file}: {name}: RAYGATE_BLESS=1 cargo test --test checks"
                );
            }
            if let Some(warns) = case["warns"].as_bool() {
                let outcome = answer_as_is(&bundle, request(&object, &facts));
                let mut found = outcome.findings.iter().filter(|judged| judged.code() == check.code);
                assert!(
                    found.all(|judged| (judged.action <= Action::Warn) == warns),
                    "{file}: {name}: warns is not {warns} for all that is found"
                );
            }
            if case["repaired"] == true {
                assert!(check.fixes, "{file}: {name}: the check repairs nothing");
                let repaired = answer_mutate(&bundle, request(&object, &facts))
                    .document
                    .value()
                    .to_value();
                assert!(
                    finds(&bundle, check.code, (&repaired, &facts)).is_empty(),
                    "{file}: {name}: not repaired"
                );
            }
            breaks |= !finds_now.is_empty();
            passes |= finds_now.is_empty();
            from_flyte |= case["from"].is_string();
            found.push(finds_now);
        }
        if is_blessed {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
            fs::write(path, blessed(&text, nodes, &found)).expect("write the cases");
        }
        assert!(breaks, "{file}: no case breaks the check");
        assert!(passes, "{file}: no case just does not break it");
        let is_for_flyte = check.kinds.include(&kind::RAY_JOB);
        assert!(
            from_flyte || !is_for_flyte,
            "{file}: no case is of a RayJob as Flyte sends it"
        );
    }
}

#[test]
fn codes_are_unique_ordered_and_belong_to_their_family() {
    let mut seen = BTreeMap::new();
    let mut last = "";
    for family in check::FAMILIES {
        for check in family.checks {
            assert!(
                check.code.starts_with(family.prefix),
                "{} in {}",
                check.code,
                family.prefix
            );
            assert!(check.code > last, "{} after {last}", check.code);
            assert!(seen.insert(check.code, check.title).is_none());
            last = check.code;
        }
    }
}

#[test]
fn the_checks_that_repair_are_those_of_the_order_of_repairs() {
    let mut ordered: Vec<&str> = check::REPAIRS.iter().map(|check| check.code).collect();
    ordered.sort_unstable();
    let fixing: Vec<&str> = check::all()
        .filter(|check| check.fixes)
        .map(|check| check.code)
        .collect();
    assert_eq!(ordered, fixing);
}

#[test]
fn what_denies_has_proof() {
    for check in check::all() {
        let proven = check
            .evidence
            .iter()
            .any(|evidence| !matches!(evidence, Evidence::Reason(_)));
        assert!(!check.evidence.is_empty(), "{} has no evidence", check.code);
        assert!(
            proven || check.action != Action::Deny,
            "{} denies without proof",
            check.code
        );
    }
}

#[test]
fn a_test_that_is_evidence_exists() {
    let mut cited = 0;
    for check in check::all() {
        for evidence in check.evidence {
            if let Evidence::Test(file, name) = evidence {
                cited += 1;
                let is_there = text_of(file).contains(&format!("#[test]\nfn {name}()"));
                assert!(is_there, "{}: {file} has no test {name}", check.code);
            }
        }
    }
    assert!(cited > 0);
}
