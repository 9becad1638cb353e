//! Every diagnostic as its reader sees it: `tests/diagnostics/` holds bad input, and the text and the JSON that come of it.
//!
//! A case is a file `CODE-name.yaml`, or a folder `CODE-name` of several; `RAYGATE_BLESS=1` writes `CODE-name.txt` and
//! `CODE-name.json` beside it. Each code that has a page has a case.
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

use jiff::civil::Date;
use raygate::cli::explain;
use raygate::diag::{Diagnostic, Sources};
use raygate::engine::bundle::known;
use raygate::facts::{Facts, Known as FactsKnown};
use raygate::json::Tree;
use raygate::policy::lint::{lint, missing_nodes, not_enforced};
use raygate::policy::load::{Source, load};
use raygate::suite::{Suite, coverage::coverage};
use raygate::yaml::{self, Limits, Reading};
use serde_json::Value;

/// The day on which exemptions are looked at.
const TODAY: Date = jiff::civil::date(2026, 6, 1);

/// Files by their names.
type Files = Vec<Source>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    entries.sort();
    entries
}

fn source(name: &str, path: &Path) -> Source {
    Source {
        name: name.to_owned(),
        bytes: fs::read(path).unwrap(),
    }
}

/// The cases by name. Those of input too large to keep are made here.
fn cases() -> BTreeMap<String, Files> {
    let file = |name: &str, text: String| (name.to_owned(), vec![Source::new(&format!("{name}.yaml"), &text)]);
    let mut cases = BTreeMap::from([
        file("RY103-megabytes", "a: 1\n".repeat(2 << 20)),
        file("RY106-brackets", format!("- 1\n- [{}1]\n", "1, ".repeat(100_000))),
    ]);
    for (name, path) in entries(&folder()) {
        if path.is_dir() {
            let files = entries(&path);
            let files = files.iter().filter(|(_, path)| path.is_file());
            let files = files.map(|(file, path)| source(&format!("{name}/{file}"), path));
            cases.insert(name.clone(), files.collect());
        } else if let Some(case) = name.strip_suffix(".yaml") {
            cases.insert(case.to_owned(), vec![source(&name, &path)]);
        }
    }
    cases
}

/// Facts about a cluster with two kinds of GPUs.
fn nodes() -> Facts {
    let kinds = serde_json::json!({"Node": {"items": [
        {"metadata": {"labels": {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}}, "status": {"allocatable": {"nvidia.com/gpu": "8"}}},
        {"metadata": {"labels": {"nvidia.com/gpu.product": "NVIDIA-L4"}}, "status": {"allocatable": {"nvidia.com/gpu": "8"}}},
    ]}});
    Facts::of_kinds(Tree::of(&kinds).unwrap().root()).unwrap().timeless()
}

/// What is said of the files by whoever has codes that begin like this one.
fn diagnose(code: &str, files: &[Source]) -> (Sources, Vec<Diagnostic>) {
    match &code[..2] {
        "RY" => {
            let mut sources = Sources::new();
            let file = &files[0];
            let (_, _, mut diagnostics) = yaml::read(
                &mut sources,
                &file.name,
                &file.bytes,
                Reading::Cautious,
                &Limits::policies(),
            );
            // Of a hundred and more, the one that says so.
            diagnostics.retain(|diagnostic| code != "RY107" || diagnostic.code == code);
            (sources, diagnostics)
        }
        "RT" => {
            let (tests, policies): (Files, Files) = files
                .iter()
                .cloned()
                .partition(|file| policies_only(files) || file.name.ends_with(".test.yaml"));
            let suite = Suite::load(&tests, &|_| Err("No such file or directory".to_owned()));
            if policies.is_empty() {
                let of_cases = suite.cases().flat_map(|case| case.diagnostics.clone());
                let of_files = suite.files.iter().flat_map(|file| file.diagnostics.clone());
                let found = of_files.chain(of_cases).collect();
                return (suite.sources, found);
            }
            let covered = coverage(&policies, &[], &known(), &suite);
            let found = covered.unnoticed.iter().map(|part| part.diagnostic()).collect();
            (covered.sources, found)
        }
        // Of names, which take a folder.
        _ if ["RP216", "RP217"].contains(&code) => {
            let entries = entries(Path::new("tests/diagnostics"));
            let case = entries.into_iter().find(|(name, _)| name.starts_with(code)).unwrap();
            let files = raygate::files::policies(&[case.1]);
            (Sources::new(), files.warnings())
        }
        _ => {
            let loaded = load(files, &known());
            let mut found = loaded.diagnostics.clone();
            found.extend(loaded.endings(TODAY));
            found.extend(not_enforced(&loaded));
            found.extend(lint(&loaded, &known()));
            found.extend(missing_nodes(
                &loaded,
                &FactsKnown::of(&nodes(), jiff::Timestamp::UNIX_EPOCH, ""),
            ));
            // Notes on what is legal have cases of their own.
            found.retain(|diagnostic| {
                diagnostic.is_error() || diagnostic.code == code || !diagnostic.code.starts_with("RL")
            });
            (loaded.sources, found)
        }
    }
}

/// Whether a case of a test file is that file alone.
fn policies_only(files: &[Source]) -> bool {
    files.len() == 1
}

#[test]
fn each_reads_as_reviewed() {
    let bless = std::env::var_os("RAYGATE_BLESS").is_some();
    let mut golden = BTreeSet::new();
    let mut differing = Vec::new();
    for (name, files) in cases() {
        let code = name.split('-').next().unwrap();
        let (sources, diagnostics) = diagnose(code, &files);
        assert!(
            diagnostics.iter().any(|diagnostic| diagnostic.code == code),
            "{name} gives {diagnostics:#?}"
        );
        let rendered: Vec<String> = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.render(&sources, false) + "\n")
            .collect();
        let json: Value = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.to_json(&sources))
            .collect();
        for (extension, actual) in [
            ("txt", rendered.join("\n")),
            ("json", serde_json::to_string_pretty(&json).unwrap() + "\n"),
        ] {
            let file = format!("{name}.{extension}");
            let path = folder().join(&file);
            if bless {
                fs::write(&path, &actual).unwrap();
            }
            if fs::read_to_string(&path).unwrap_or_default() != actual {
                differing.push(format!("{file} is now:\n{actual}"));
            }
            golden.insert(file);
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    let stale: Vec<String> = entries(&folder())
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.ends_with(".txt") || name.ends_with(".json"))
        .filter(|name| !golden.contains(name))
        .collect();
    assert_eq!(stale, Vec::<String>::new(), "files without a case");
}

#[test]
fn each_code_has_a_page_and_a_case() {
    let cases = cases();
    let mut pages = BTreeSet::new();
    for page in explain::diagnostics() {
        assert!(pages.insert(page.code), "{} has two pages", page.code);
        assert!(!page.title.is_empty() && page.text.ends_with('.'), "{}", page.code);
        let prefix = format!("{}-", page.code);
        assert!(
            cases.keys().any(|name| name.starts_with(&prefix)),
            "tests/diagnostics has no case {prefix}*.yaml"
        );
    }
    for name in cases.keys() {
        let code = name.split('-').next().unwrap();
        assert!(pages.contains(code), "{name} is a case of no code");
    }
}
