//! The layers of the crate: a module uses only modules to its right, and those that must be pure touch no world.
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
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from left to right. Modules that share a layer may not use each other.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["self_managed"],
    &["server", "install", "suite", "input"],
    &["reload"],
    &["certs", "cluster", "files", "metrics"],
    &["telemetry"],
    &["admission"],
    &["engine"],
    &["rules"],
    &["policy"],
    &["cel"],
    &["ray"],
    &["k8s"],
    &["yaml"],
    &["diag", "json"],
];

/// The first layer that must be a pure function of its arguments.
const PURE_FROM: &str = "engine";

/// What a pure layer may not name.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env::",
    "std::process",
    "std::time",
    "std::thread",
    "tokio",
    "hyper",
    "axum",
    "rustls",
    "kube::",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "eprintln!",
    "tracing::",
];

/// What may be named for a reason: a stack of a known size is no world.
const EXCEPTIONS: &[(&str, &str)] = &[("cel/compile.rs", "std::thread")];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Each source file with the module of the crate's root that it belongs to and its text without unit tests and comments.
fn modules() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs"))
        .filter_map(|path| {
            let relative = path.strip_prefix(&root).unwrap().to_path_buf();
            let first = relative.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code: Vec<&str> = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap()
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            (first != "main" && first != "lib").then(|| (first, relative, code.join("\n")))
        })
        .collect()
}

/// The modules of the root that a text names after `crate::`, in imports (also grouped ones) and in paths.
fn used(code: &str) -> Vec<String> {
    let name = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut modules = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut item = String::new();
                for character in group.chars() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => modules.push(name(std::mem::take(&mut item).trim())),
                        character => item.push(character),
                    }
                }
                modules.push(name(item.trim()));
            }
            None => modules.push(name(rest)),
        }
    }
    modules.retain(|module| module.starts_with(|c: char| c.is_ascii_lowercase()));
    modules
}

#[test]
fn every_module_stands_in_a_layer_and_uses_only_what_is_to_its_right() {
    for (module, path, code) in modules() {
        let own = layer(&module).unwrap_or_else(|| panic!("{module} stands in no layer"));
        for target in used(&code) {
            let other =
                layer(&target).unwrap_or_else(|| panic!("{}: crate::{target} stands in no layer", path.display()));
            assert!(
                target == module || other > own,
                "{}: {module} must not use crate::{target}, which stands left of it or beside it",
                path.display()
            );
        }
    }
}

#[test]
fn from_the_engine_on_nothing_touches_the_world() {
    let pure = layer(PURE_FROM).unwrap();
    for (module, path, code) in modules() {
        if layer(&module).is_some_and(|layer| layer >= pure) {
            for forbidden in WORLD {
                let is_exception = EXCEPTIONS
                    .iter()
                    .any(|(file, name)| path.ends_with(file) && name == forbidden);
                assert!(
                    is_exception || !code.contains(forbidden),
                    "{}: names {forbidden}",
                    path.display()
                );
            }
        }
    }
}

/// What a RayJob says can never make raygate ask the API server for anything.
#[test]
fn the_way_of_a_review_has_no_client_of_the_cluster() {
    let mut clients = BTreeSet::new();
    for (module, path, code) in modules() {
        if ["kube::", "k8s_openapi::"].iter().any(|name| code.contains(name)) {
            assert!(layer("admission") > layer(&module), "{}", path.display());
            clients.insert(module);
        }
    }
    assert!(clients.contains("cluster"));
    for module in ["server", "reload", "admission", "metrics"] {
        assert!(!clients.contains(module), "{module} has a client of the cluster");
        for (_, path, code) in modules().into_iter().filter(|(own, ..)| own == module) {
            let reached = used(&code)
                .into_iter()
                .find(|used| used == "cluster" || clients.contains(used));
            assert_eq!(reached, None, "{}", path.display());
        }
    }
}

/// The fields at which the kinds of Ray objects differ, and those that lead to a pod template.
const FIELDS_OF_KINDS: &[&str] = &[
    "rayClusterSpec",
    "rayClusterConfig",
    "jobTemplate",
    "headGroupSpec",
    "workerGroupSpecs",
    "submitterPodTemplate",
];

/// Texts for readers, which show a path as an example.
const PAGES: &[&str] = &["suite/codes.rs"];

/// A new kind is a row in `ray/kind.rs`: no other module knows where a kind keeps its parts.
#[test]
fn only_the_model_spells_out_a_path_of_a_kind() {
    let mut found = BTreeSet::new();
    for (module, path, code) in modules() {
        for field in FIELDS_OF_KINDS.iter().filter(|field| code.contains(**field)) {
            if module == "ray" {
                found.insert(*field);
                continue;
            }
            let is_page = PAGES.iter().any(|page| path.ends_with(page));
            assert!(
                is_page,
                "{}: spells out {field}; take it from ray::Kind",
                path.display()
            );
        }
    }
    assert_eq!(found.len(), FIELDS_OF_KINDS.len(), "the model knows only {found:?}");
}

#[test]
fn a_forbidden_edge_would_be_seen() {
    let text =
        "use crate::{engine::{Bundle, judge}, k8s::path};\nuse crate::ray::RayJob;\nlet x = crate::server::Server;";
    assert_eq!(used(text), ["engine", "k8s", "ray", "server"]);
}
