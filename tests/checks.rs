//! Every check: the two examples of its page, and its cases in `tests/checks/CODE.yaml`.
//!
//! A case is merged into the base job, or into a RayJob as Flyte sends it (`from`), judged as it is, and compared with
//! the paths at which its code is to be found (`finds`). `policy` and `platform` hold the spec of a RayPolicy and of the
//! Platform, `kuberay` the version. `warns: true` says that what is found never denies. Where a repair is wanted, the case says so by `repaired: true`: then the mutated object must be free
//! of the code.
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
use std::path::Path;

use raygate::engine::judge::{answer_as_is, answer_mutate};
use raygate::engine::{Bundle, Operation, Request};
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::defaults;
use raygate::rules::{Check, check};
use raygate::suite::merge;
use raygate::yaml::{self, Limits, Reading};
use serde_json::{Map, Value, json};

fn read_yaml(name: &str, text: &str) -> Value {
    let mut sources = raygate::diag::Sources::new();
    let (_, nodes, diagnostics) = yaml::read(
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
    nodes[0].to_json()
}

fn read_file(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    read_yaml(
        &path.display().to_string(),
        &fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
    )
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

fn bundle(kuberay: Value, platform: Value, policy: Value) -> Bundle {
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

fn request(object: &Value) -> Request {
    Request {
        operation: Operation::Create,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        user: String::new(),
        object: object.clone(),
        old: None,
        named: true,
        now: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn finds(bundle: &Bundle, code: &str, object: &Value) -> Vec<String> {
    let outcome = answer_as_is(bundle, request(object));
    let findings = outcome.findings.iter().filter(|judged| judged.code() == code);
    findings
        .inspect(|judged| {
            assert!(
                judged.finding.path.reaches(object),
                "{code}: {} leads nowhere",
                judged.finding.path
            )
        })
        .map(|judged| judged.finding.path.to_string())
        .collect()
}

/// The YAML below a heading of a page.
fn example(check: &Check, heading: &str) -> Value {
    let page = check.page();
    let below = page.split(&format!("# {heading}\n```yaml\n")).nth(1);
    let below = below.unwrap_or_else(|| panic!("{} has no example under `# {heading}`", check.code));
    read_yaml(check.code, below.split("```").next().unwrap())
}

#[test]
fn every_page_has_its_parts_and_its_examples_are_true() {
    for check in check::all() {
        let page = check.page();
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
            let (policy, platform) = (take(&mut fragment, "policy"), take(&mut fragment, "platform"));
            let mut object = read_file("tests/checks/base.yaml");
            merge(&mut object, fragment);
            defaults::apply(&mut object);
            let found_at = finds(&bundle(kuberay_of(check), platform, policy), check.code, &object);
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
    for check in check::all() {
        let file = format!("tests/checks/{}.yaml", check.code);
        let cases = read_file(&file);
        let cases = cases.as_array().unwrap_or_else(|| panic!("{file} is no list of cases"));
        let (mut breaks, mut passes, mut from_flyte) = (false, false, false);
        for case in cases {
            let name = case["name"]
                .as_str()
                .unwrap_or_else(|| panic!("{file}: a case without a name"));
            let known = [
                "name", "from", "set", "policy", "platform", "kuberay", "gates", "finds", "warns", "repaired",
            ];
            for key in case.as_object().unwrap().keys() {
                assert!(known.contains(&key.as_str()), "{file}: {name}: unknown key {key}");
            }
            let mut object = match case["from"].as_str() {
                Some(seed) => read_file(&format!("tests/rayjobs/{seed}.json")),
                None => read_file("tests/checks/base.yaml"),
            };
            merge(&mut object, case.get("set").cloned().unwrap_or_else(|| json!({})));
            defaults::apply(&mut object);
            let mut kuberay = kuberay_of(check);
            if let Some(version) = case["kuberay"].as_str() {
                kuberay["version"] = version.into();
            }
            if let Some(gates) = case.get("gates") {
                merge(&mut kuberay["featureGates"], gates.clone());
            }
            let part = |key: &str| case.get(key).cloned().unwrap_or_else(|| json!({}));
            let bundle = bundle(kuberay, part("platform"), part("policy"));
            let wanted: Vec<&str> = case["finds"]
                .as_array()
                .expect(name)
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(finds(&bundle, check.code, &object), wanted, "{file}: {name}");
            if let Some(warns) = case["warns"].as_bool() {
                let outcome = answer_as_is(&bundle, request(&object));
                let mut found = outcome.findings.iter().filter(|judged| judged.code() == check.code);
                assert!(
                    found.all(|judged| (judged.action <= Action::Warn) == warns),
                    "{file}: {name}: warns is not {warns} for all that is found"
                );
            }
            if case["repaired"] == true {
                assert!(check.fixes, "{file}: {name}: the check repairs nothing");
                let repaired = answer_mutate(&bundle, request(&object)).document.into_value();
                assert!(
                    finds(&bundle, check.code, &repaired).is_empty(),
                    "{file}: {name}: not repaired"
                );
            }
            breaks |= !wanted.is_empty();
            passes |= wanted.is_empty();
            from_flyte |= case["from"].is_string();
        }
        assert!(breaks, "{file}: no case breaks the check");
        assert!(passes, "{file}: no case just does not break it");
        assert!(from_flyte, "{file}: no case is of a RayJob as Flyte sends it");
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

/// What a check says of an object, with what to change.
#[track_caller]
fn assert_says(code: &str, (policy, set): (Value, Value), expected: &[&str]) {
    let mut object = read_file("tests/checks/base.yaml");
    merge(&mut object, set);
    defaults::apply(&mut object);
    let bundle = bundle(kuberay_of(check::find(code).unwrap()), json!({}), policy);
    let outcome = answer_as_is(&bundle, request(&object));
    let found = outcome.findings.iter().filter(|judged| judged.code() == code);
    let said: Vec<String> = found
        .map(|judged| format!("{}; {}", judged.finding.message, judged.finding.fix))
        .collect();
    assert_eq!(said, expected, "{code}");
}

#[test]
fn names_are_refused_in_sentences() {
    let group = |name: &str| {
        (
            json!({}),
            json!({"spec": {"rayClusterSpec": {"workerGroupSpecs": [{"groupName": name}]}}}),
        )
    };
    let fix = "give each group a unique name of lowercase letters, digits and `-`";
    for (name, message) in [
        (
            "g5.xlarge",
            "worker group name `g5.xlarge` is not a valid DNS label: `.` is not allowed. Kueue and KubeRay's network policies reject it",
        ),
        (
            "GPU_Workers",
            "worker group name `GPU_Workers` makes invalid pod names: `_` is not allowed. Kubernetes rejects the pods",
        ),
        (
            "-a",
            "worker group name `-a` is not a valid label value: it must start with a letter or digit",
        ),
    ] {
        assert_says("RG501", group(name), &[&format!("{message}; {fix}")]);
    }
    assert_says(
        "RG102",
        (json!({}), json!({"metadata": {"name": "7_train"}})),
        &[
            "RayJob name `7_train` is not a valid DNS label: `_` is not allowed; start with a letter, and use lowercase letters, digits and `-`",
        ],
    );
}

#[test]
fn the_fix_names_the_start_parameter() {
    let head = |params: Value| {
        (
            json!({}),
            json!({"spec": {"rayClusterSpec": {"headGroupSpec": {"rayStartParams": params}}}}),
        )
    };
    let title = "head: start parameter";
    for (params, expected) in [
        (
            json!({"num-cpus": "'4"}),
            format!(
                "{title} `num-cpus` has a `'` without its end; bash cannot read it; close the quotation mark in `num-cpus`"
            ),
        ),
        (
            json!({"node-ip-address": "x y"}),
            format!(
                "{title} `node-ip-address` has a blank outside quotes; `ray start` rejects the extra argument; quote the value of \
                 `node-ip-address`: \"'x y'\""
            ),
        ),
        (
            json!({"resources": "{\"slot\": 4}"}),
            format!(
                "{title} `resources` has a blank outside quotes; `ray start` rejects the extra argument; quote the value of `resources`: \
                 \"'{{\\\"slot\\\": 4}}'\""
            ),
        ),
        (
            json!({"system-config": "{\\\"a\\\":1,\\\"b\\\":2}"}),
            format!(
                "{title} `system-config` is no JSON once bash expands the braces; quote the value of `system-config`: \
                 \"'{{\\\"KEY\\\": 1}}'\""
            ),
        ),
    ] {
        assert_says("RG509", head(params), &[&expected]);
    }
}

#[test]
fn a_pod_below_the_level_is_told_the_field_and_the_control() {
    let says = |level: &str, spec: Value, expected: &[&str]| {
        let policy = json!({"limits": {"podSecurity": level}});
        let head = json!({"headGroupSpec": {"template": {"spec": spec}}});
        assert_says("RG611", (policy, json!({"spec": {"rayClusterSpec": head}})), expected);
    };
    says(
        "baseline",
        json!({
            "hostPID": true,
            "initContainers": [{"name": "setup", "image": "a", "securityContext": {"capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]}}}],
        }),
        &[
            "head, init container `setup`: capabilities.add has `SYS_ADMIN` and `NET_RAW`, which violates Pod Security `baseline` \
             (control capabilities_baseline); remove them from capabilities.add",
            "head: hostPID is true, which violates Pod Security `baseline` (control hostNamespaces); leave hostPID out",
        ],
    );
    says(
        "baseline:v1.30",
        json!({"containers": [{"securityContext": {"seccompProfile": {"type": "Unconfined"}}}]}),
        &[
            "head: seccompProfile.type is `Unconfined`, which violates Pod Security `baseline:v1.30` (control seccompProfile_baseline); \
             set seccompProfile.type to RuntimeDefault",
        ],
    );
}

#[test]
fn one_claim_is_counted_in_the_singular() {
    let claims = |count: usize| {
        let claims: Vec<Value> = (0..count)
            .map(|at| json!({"name": at.to_string(), "resourceClaimName": "a"}))
            .collect();
        let spec = json!({"rayClusterSpec": {"headGroupSpec": {"template": {"spec": {"resourceClaims": claims}}}}});
        (json!({"limits": {"maxGpusPerJob": 8}}), json!({"spec": spec}))
    };
    let fix = "request accelerators with a resource such as nvidia.com/gpu";
    for (count, message) in [
        (
            1,
            "head: 1 resource claim may be an accelerator that limits.maxGpusPerJob (8) does not count",
        ),
        (
            2,
            "head: 2 resource claims may be accelerators that limits.maxGpusPerJob (8) does not count",
        ),
    ] {
        assert_says("RG321", claims(count), &[&format!("{message}; {fix}")]);
    }
}
