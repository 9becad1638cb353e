//! The JSON Schema of policy files: the policies of this repository fit it, and what the loader refuses by its form
//! does not.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::fs;
use std::path::{Path, PathBuf};

use raygate::engine::bundle::known;
use raygate::policy::json_schema::schema;
use raygate::policy::load::Source;
use raygate::yaml::{self, Limits, Reading};
use regex::Regex;
use serde_json::{Value, json};

/// The keywords that the schema uses. The validator fails on any other, so that none goes unlooked at.
const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "examples",
    "items",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "propertyNames",
    "required",
    "title",
    "type",
];

fn fits_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("type {other}"),
    }
}

/// What of `value` does not fit, as `path: keyword`.
fn errors(root: &Value, schema: &Value, value: &Value, path: &str, out: &mut Vec<String>) {
    if schema == &Value::Bool(false) {
        return out.push(format!("{path}: not allowed"));
    }
    let keywords = schema.as_object().unwrap();
    for (keyword, wanted) in keywords {
        assert!(
            KEYWORDS.contains(&keyword.as_str()),
            "the validator does not know {keyword}"
        );
        let text = value.as_str();
        let number = value.as_f64();
        let length = text.map(|text| text.chars().count() as u64);
        let fits = match keyword.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                errors(root, root.pointer(pointer).unwrap(), value, path, out);
                true
            }
            "oneOf" | "anyOf" => {
                let fitting = wanted.as_array().unwrap().iter().filter(|one| {
                    let mut found = Vec::new();
                    errors(root, one, value, path, &mut found);
                    found.is_empty()
                });
                let fitting = fitting.count();
                fitting == 1 || (fitting > 1 && keyword == "anyOf")
            }
            "type" => match wanted {
                Value::Array(names) => names.iter().any(|name| fits_type(name.as_str().unwrap(), value)),
                name => fits_type(name.as_str().unwrap(), value),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => text.is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
            "minLength" => length.is_none_or(|length| length >= wanted.as_u64().unwrap()),
            "maxLength" => length.is_none_or(|length| length <= wanted.as_u64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "minimum" => number.is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => number.is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "required" => value.as_object().is_none_or(|map| {
                wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|key| map.contains_key(key.as_str().unwrap()))
            }),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    errors(root, wanted, item, &format!("{path}[{index}]"), out);
                }
                true
            }
            "propertyNames" => {
                for key in value.as_object().into_iter().flat_map(|map| map.keys()) {
                    errors(root, wanted, &json!(key), &format!("{path}.{key}"), out);
                }
                true
            }
            "properties" | "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (key, item) in value.as_object().into_iter().flatten() {
                    let own = known.and_then(|known| known.get(key));
                    let schema = match keyword.as_str() {
                        "properties" => own,
                        _ => Some(wanted).filter(|_| own.is_none()),
                    };
                    if let Some(schema) = schema {
                        errors(root, schema, item, &format!("{path}.{key}"), out);
                    }
                }
                true
            }
            _ => true,
        };
        if !fits {
            out.push(format!("{path}: {keyword}"));
        }
    }
}

fn validate(document: &Value) -> Vec<String> {
    let root = schema(&known());
    // The branch for the document's kind says what is wrong, `oneOf` only that something is.
    let branch = document["kind"].as_str().and_then(|kind| root["$defs"].get(kind));
    let mut out = Vec::new();
    errors(&root, branch.unwrap_or(&root), document, "", &mut out);
    let mut whole = Vec::new();
    errors(&root, &root, document, "", &mut whole);
    assert_eq!(out.is_empty(), whole.is_empty(), "{out:?} {whole:?}");
    out
}

fn documents(text: &str) -> Vec<Value> {
    let mut sources = raygate::diag::Sources::new();
    let source = sources.add("policy", text);
    let (nodes, diagnostics) = yaml::parse(source, text, Reading::Cautious, &Limits::policies());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    nodes.iter().map(yaml::Node::to_json).collect()
}

/// The policy files below a folder.
fn policy_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            policy_files(&path, out);
        } else if name.ends_with(".yaml") && !name.ends_with(".test.yaml") && name != "kustomization.yaml" {
            out.push(path);
        }
    }
}

#[test]
fn the_policies_of_this_repository_fit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("tests/policies/full.yaml")];
    policy_files(&root.join("policies"), &mut files);
    let mut count = 0;
    for path in &files {
        for document in documents(&fs::read_to_string(path).unwrap()) {
            assert_eq!(validate(&document), Vec::<String>::new(), "{}", path.display());
            count += 1;
        }
    }
    let in_library = files
        .iter()
        .filter(|path| path.starts_with(root.join("policies/library")));
    assert!(in_library.count() >= 15 && count >= 30, "only {count} documents");
}

#[test]
fn every_example_of_the_language_fits_its_own_place() {
    fn walk(root: &Value, schema: &Value, path: &str, seen: &mut usize) {
        for example in schema["examples"].as_array().into_iter().flatten() {
            let mut found = Vec::new();
            errors(root, schema, example, path, &mut found);
            assert_eq!(found, Vec::<String>::new(), "{example}");
            *seen += 1;
        }
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            walk(root, below, &format!("{path}.{key}"), seen);
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                walk(root, &schema[key], &format!("{path}.{key}"), seen);
            }
        }
    }
    let root = schema(&known());
    let mut seen = 0;
    for (name, definition) in root["$defs"].as_object().unwrap() {
        walk(&root, definition, name, &mut seen);
    }
    assert!(seen > 80, "only {seen} examples");
}

#[test]
fn what_is_broken_does_not_fit_and_does_not_load() {
    let policy =
        |spec: &str| format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: a}}\nspec: {spec}\n");
    let platform = |spec: &str| format!("apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {spec}\n");
    for (text, wanted) in [
        (policy("{}"), ".spec: required"),
        (policy("{match: {}, defalts: {}}"), ".spec.defalts: not allowed"),
        (policy("{match: {team: [a]}}"), ".spec.match.team: not allowed"),
        (
            policy("{match: {}, exclude: [{domains: staging}]}"),
            ".spec.exclude[0].domains: type",
        ),
        (policy("{match: {}, priority: high}"), ".spec.priority: type"),
        (policy("{match: {}, mode: 'On'}"), ".spec.mode: enum"),
        (
            policy("{match: {}, actions: {RG998: Deny}}"),
            ".spec.actions.RG998: not allowed",
        ),
        (
            policy("{match: {}, actions: {RG101: Fix}}"),
            ".spec.actions.RG101: enum",
        ),
        (policy("{match: {}, allowSkip: [probes]}"), ".spec.allowSkip[0]: enum"),
        (policy("{match: {}, unset: [lifecicle.ttl]}"), ".spec.unset[0]: pattern"),
        (
            policy("{match: {}, defaults: {sharedMemory: {size: 101%}}}"),
            ".spec.defaults.sharedMemory.size: pattern",
        ),
        (
            policy("{match: {}, force: {head: {minimum: {cpu: 2 cores}}}}"),
            ".spec.force.head.minimum.cpu: pattern",
        ),
        (
            policy("{match: {}, defaults: {workers: {rayStartParams: {num-cpus: 0}}}}"),
            ".spec.defaults.workers.rayStartParams.num-cpus: type",
        ),
        (
            policy("{match: {}, defaults: {pods: {labels: {a/b/c: x}}}}"),
            ".spec.defaults.pods.labels.a/b/c: pattern",
        ),
        (
            policy("{match: {}, defaults: {pods: {env: [{value: x}]}}}"),
            ".spec.defaults.pods.env[0]: required",
        ),
        (
            policy("{match: {}, limits: {maxTtlSeconds: -1}}"),
            ".spec.limits.maxTtlSeconds: minimum",
        ),
        (
            policy("{match: {}, limits: {maxTtlSeconds: null}}"),
            ".spec.limits.maxTtlSeconds: type",
        ),
        (
            platform("{kuberay: {version: newest}}"),
            ".spec.kuberay.version: pattern",
        ),
        (
            platform("{kuberay: {featureGates: {NoSuchGate: true}}}"),
            ".spec.kuberay.featureGates.NoSuchGate: enum",
        ),
        (policy("{match: {}}").replace("{name: a}", "{}"), ".metadata: required"),
        (
            policy("{match: {}}").replace("name: a", "name: A_b"),
            ".metadata.name: pattern",
        ),
        (policy("{match: {}}").replace("v1beta1", "v1"), ".apiVersion: const"),
        (policy("{match: {}}").replace("RayPolicy", "RayPolice"), ": oneOf"),
    ] {
        let [document] = documents(&text).try_into().unwrap();
        let found = validate(&document);
        assert!(
            found.iter().any(|found| found == wanted),
            "{wanted} is not among {found:?} for\n{text}"
        );
        let loaded = raygate::policy::load(&[Source::new("a.yaml", &text)], &known());
        assert!(!loaded.is_usable(), "the loader takes\n{text}");
    }
}
