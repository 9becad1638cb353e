//! docs/troubleshooting.md promises what its cases hold: whatever a row names as its answer is taken away, and one of
//! the row's cases must notice.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::policy::load::{Source, leaf_names};
use raygate::suite::Suite;

/// What the table must speak of: the symptoms that people report of Ray under Flyte.
const SYMPTOMS: [&str; 10] = [
    "stays `QUEUED`",
    "CRD not found",
    "Pods pending",
    "GPU pods pending",
    "connection refused",
    "OOM killed",
    "`ModuleNotFoundError`",
    "Ingress webhook errors",
    "Task timeout",
    "no RayCluster appears",
];

const OUTSIDE: &str = "outside of admission";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

struct Row {
    symptom: String,
    answer: String,
    shown: String,
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(docs().join("troubleshooting.md")).unwrap();
    let lines = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| symptom"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [symptom, cause, answer, shown] = cells.as_slice() else {
                panic!("{line}");
            };
            assert!(!cause.is_empty() && !answer.is_empty(), "{line}");
            Row {
                symptom: (*symptom).to_owned(),
                answer: (*answer).to_owned(),
                shown: (*shown).to_owned(),
            }
        })
        .collect()
}

/// The targets of a cell's links, below the repository.
fn links(cell: &str) -> Vec<PathBuf> {
    let targets = cell
        .split("](")
        .skip(1)
        .map(|rest| rest.split([')', '#']).next().unwrap());
    targets
        .map(|target| {
            docs()
                .join(target)
                .canonicalize()
                .unwrap_or_else(|error| panic!("{target}: {error}"))
        })
        .collect()
}

/// The codes that a cell links, and the leaves of `defaults` that it names.
fn claims(cell: &str) -> Vec<String> {
    let codes = cell
        .split("[RG")
        .skip(1)
        .map(|rest| format!("RG{}", rest.split(']').next().unwrap()));
    let leaves = cell
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("defaults."));
    codes
        .filter(|code| !code.ends_with("xx"))
        .chain(leaves.map(str::to_owned))
        .collect()
}

/// The policies of the library folder that a case stands in; none for the cases of the shipped policies.
fn library_of(case: &Path) -> Vec<Source> {
    let folder = case.parent().unwrap().parent().unwrap();
    if !folder.parent().unwrap().ends_with("policies/library") {
        return Vec::new();
    }
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| Source::new(path.to_str().unwrap(), &fs::read_to_string(&path).unwrap()))
        .collect()
}

/// Whether the case comes out as it wants with this `spec` of a policy above all others.
fn passes(case: &Path, spec: &str) -> bool {
    let mut sources: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
    sources.extend(library_of(case));
    sources.push(Source::new(
        "without.yaml",
        &format!("apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {{name: without}}\nspec: {{match: {{}}, priority: 1000000{spec}}}\n"),
    ));
    let loaded = raygate::policy::load(&sources, &known());
    assert!(loaded.is_usable(), "{spec}: {:?}", loaded.diagnostics);
    let test = Source::new(case.to_str().unwrap(), &fs::read_to_string(case).unwrap());
    let suite = Suite::load(&[test], &|file| fs::read(file).map_err(|error| error.to_string()));
    suite
        .run(&Bundle::new(loaded.set))
        .iter()
        .all(raygate::suite::Tested::passed)
}

#[test]
fn the_table_speaks_of_every_symptom() {
    let rows = rows();
    for symptom in SYMPTOMS {
        assert!(
            rows.iter().any(|row| row.symptom.contains(symptom)),
            "no row for {symptom}"
        );
    }
    let symptoms: BTreeSet<_> = rows.iter().map(|row| (&row.symptom, &row.answer)).collect();
    assert_eq!(symptoms.len(), rows.len());
}

#[test]
fn a_row_without_a_case_says_that_it_is_outside() {
    for row in rows() {
        if links(&row.shown).is_empty() {
            assert!(
                row.answer.starts_with(OUTSIDE) && row.answer.len() > OUTSIDE.len() + 20,
                "{}",
                row.symptom
            );
            assert_eq!(claims(&row.answer), Vec::<String>::new(), "{}", row.symptom);
        }
    }
}

#[test]
fn without_its_answer_a_case_of_the_row_comes_out_otherwise() {
    let known_leaves = leaf_names();
    let mut claimed = 0;
    for row in rows() {
        let cases = links(&row.shown);
        for case in &cases {
            assert!(passes(case, ""), "{}", case.display());
        }
        for claim in claims(&row.answer) {
            let without = match claim.strip_prefix("defaults.") {
                None => format!(", actions: {{{claim}: Ignore}}"),
                Some(leaf) => {
                    assert!(
                        known_leaves.iter().any(|known| known == leaf),
                        "there is no leaf {leaf}"
                    );
                    format!(", unset: [{leaf}]")
                }
            };
            assert!(
                cases.iter().any(|case| !passes(case, &without)),
                "{}: no case notices that {claim} is gone",
                row.symptom
            );
            claimed += 1;
        }
        for folder in links(&row.answer).iter().filter(|path| path.ends_with("README.md")) {
            let folder = folder.parent().unwrap();
            assert!(
                folder.ends_with("rules") || cases.iter().any(|case| case.starts_with(folder)),
                "{}: no case of {} is named",
                row.symptom,
                folder.display()
            );
        }
    }
    assert!(claimed >= 18, "only {claimed} claims");
}
