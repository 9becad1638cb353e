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

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The layers, from left to right. Modules that share a layer may not use each other.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["self_managed"],
    &["observe", "server", "play", "install", "suite", "input"],
    &["reload"],
    &["certs", "cluster", "files", "metrics"],
    &["telemetry"],
    &["admission"],
    &["engine"],
    &["rules"],
    &["policy"],
    &["cel"],
    &["facts"],
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

/// Texts for readers, which show a path or an object as an example.
const PAGES: &[&str] = &["cli/init/draft.rs", "suite/codes.rs"];

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

/// A file of the crate, as a path of module names: `["k8s", "image"]`.
type File = Vec<String>;

/// What the `use` declarations of a file bring into it: where each name comes from.
type Imports = BTreeMap<String, Vec<String>>;

/// The paths that a tree of a `use` declaration stands for.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        return vec![
            tree.split(" as ")
                .next()
                .unwrap()
                .trim()
                .trim_end_matches("::self")
                .to_owned(),
        ];
    };
    let group = group.strip_suffix('}').expect("a group that is closed");
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for character in group.chars().chain([',']) {
        match character {
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            character => {
                depth += i32::from(character == '{') - i32::from(character == '}');
                item.push(character);
            }
        }
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items
        .flat_map(|item| leaves(&format!("{before}{}", item.trim())))
        .collect()
}

/// A path as seen from a file, from the root of the crate on: the file that it leads to, and the rest.
fn resolve(path: &str, from: &[String], files: &BTreeSet<File>) -> Option<(File, Vec<String>)> {
    let mut segments: Vec<String> = path.split("::").map(|segment| segment.trim().to_owned()).collect();
    let mut file = from.to_vec();
    match segments.first()?.as_str() {
        "crate" => file.clear(),
        "self" | "super" => {}
        name => {
            file.push(name.to_owned());
            if !files.contains(&file) {
                return None;
            }
            file.pop();
            segments.insert(0, "self".to_owned());
        }
    }
    let mut rest = segments.into_iter().peekable();
    while let Some(segment) = rest.next_if(|segment| matches!(segment.as_str(), "crate" | "self" | "super")) {
        if segment == "super" {
            file.pop();
        }
    }
    while let Some(segment) = rest.peek() {
        file.push(segment.clone());
        if !files.contains(&file) {
            file.pop();
            break;
        }
        rest.next();
    }
    Some((file, rest.collect()))
}

/// The files that each file uses, but for its own parts.
///
/// A file uses the files in which the names stand that it imports or writes with a path. Where a name is imported into
/// the module that it is taken from, as by a parent that re-exports its children's, it is followed to the file that
/// defines it: a parent that only declares and re-exports has nothing that anyone uses.
fn uses(files: &BTreeMap<File, String>) -> BTreeMap<File, BTreeSet<File>> {
    let declaration = Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?use ([^;]+);").unwrap();
    let visibility = Regex::new(r"pub\([^)]*\)").unwrap();
    let path = Regex::new(r"(?:\b(?:crate|self|super)|\b[a-z_][a-z0-9_]*)(?:::\w+)+").unwrap();
    let names: BTreeSet<File> = files.keys().cloned().collect();
    let mut imports: BTreeMap<&File, Imports> = BTreeMap::new();
    let mut paths: BTreeMap<&File, Vec<String>> = BTreeMap::new();
    for (file, code) in files {
        let code = visibility.replace_all(code, "pub");
        let imported: Vec<String> = declaration
            .captures_iter(&code)
            .flat_map(|found| leaves(&found[1]))
            .collect();
        let own = imported.iter().map(|path| {
            let name = path.rsplit("::").next().unwrap().to_owned();
            (name, path.split("::").map(str::to_owned).collect())
        });
        imports.insert(file, own.collect());
        let rest = declaration.replace_all(&code, "");
        let written = path.find_iter(&rest).map(|found| found.as_str().to_owned());
        paths.insert(file, imported.into_iter().chain(written).collect());
    }
    let follow = |path: &str, from: &File| {
        let (mut file, mut rest) = resolve(path, from, &names)?;
        // As many re-exports as there are levels of modules.
        for _ in 0..8 {
            let imported = rest.first().and_then(|name| imports.get(&file)?.get(name));
            let Some(imported) = imported else { break };
            let Some((next, mut behind)) = resolve(&imported.join("::"), &file, &names) else {
                break;
            };
            behind.extend(rest.drain(1..));
            (file, rest) = (next, behind);
        }
        Some(file)
    };
    let used = |(file, paths): (&&File, &Vec<String>)| {
        let used = paths
            .iter()
            .filter_map(|path| follow(path, file))
            .filter(|other| other != *file);
        ((*file).clone(), used.filter(|other| names.contains(other)).collect())
    };
    paths.iter().map(used).collect()
}

/// Takes away the files that use none of the others, again and again: what stays is in a cycle, or uses one.
fn cycles(mut uses: BTreeMap<File, BTreeSet<File>>) -> BTreeMap<File, BTreeSet<File>> {
    loop {
        let before = uses.len();
        let left: BTreeSet<File> = uses.keys().cloned().collect();
        uses.retain(|_, used| {
            used.retain(|other| left.contains(other));
            !used.is_empty()
        });
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let files: BTreeMap<File, String> = modules()
        .into_iter()
        .map(|(_, path, code)| {
            let path = path.with_extension("");
            (
                path.iter().map(|name| name.to_str().unwrap().to_owned()).collect(),
                code,
            )
        })
        .collect();
    let uses = uses(&files);
    assert!(
        uses.values().map(BTreeSet::len).sum::<usize>() > files.len(),
        "the imports are read"
    );
    let cycles = cycles(uses);
    let shown: Vec<String> = cycles
        .iter()
        .map(|(file, used)| {
            let used: Vec<String> = used.iter().map(|file| file.join("/")).collect();
            format!("{} uses {}", file.join("/"), used.join(", "))
        })
        .collect();
    assert!(shown.is_empty(), "in a cycle, or using one:\n{}", shown.join("\n"));
}

#[test]
fn a_cycle_between_files_would_be_seen() {
    let cycle_of = |texts: &[(&str, &str)]| {
        let file = |name: &str| name.split('/').map(str::to_owned).collect::<File>();
        let files = texts.iter().map(|(name, text)| (file(name), (*text).to_owned()));
        let found = cycles(uses(&files.collect()));
        found.keys().map(|file| file.join("/")).collect::<Vec<_>>()
    };
    let reexports = "mod b;\nmod c;\npub use b::B;\npub use c::{C, make};";
    let sound = [
        ("a", reexports),
        ("a/b", "pub struct B;"),
        ("a/c", "use super::B;\npub struct C(B);"),
    ];
    assert_eq!(cycle_of(&sound), [""; 0]);
    let by_import = [("a", reexports), ("a/b", "use super::C;"), ("a/c", "use super::B;")];
    assert_eq!(cycle_of(&by_import), ["a", "a/b", "a/c"]);
    let by_path = [
        ("a", "mod b;\nmod c;"),
        ("a/b", "fn f() { crate::a::c::g(); }"),
        ("a/c", "use super::b::f;"),
    ];
    assert_eq!(cycle_of(&by_path), ["a/b", "a/c"]);
    let of_the_parent = [
        ("a", "mod b;\nfn run() { b::go(); }\npub struct A;"),
        ("a/b", "use super::A;"),
    ];
    assert_eq!(cycle_of(&of_the_parent), ["a", "a/b"]);
    let visible_to_the_parent = [("a", "mod b;\nuse b::B;"), ("a/b", "pub(in crate::a) struct B;")];
    assert_eq!(cycle_of(&visible_to_the_parent), [""; 0]);
}
