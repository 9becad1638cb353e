//! Compares the checks RG9xx with the validation of Kubernetes itself: the oldest and the newest supported release judge what
//! KubeRay creates from generated objects.
//!
//! The programs are built by command, because they take minutes: `cargo test --test pods -- --ignored`. With `RAYGATE_BLESS=1`
//! it records the answers that the other test replays, and what only Kubernetes finds.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "pods/objects.rs"]
mod objects;
#[allow(dead_code, reason = "other generators use the rest of it")]
#[path = "tools/random.rs"]
mod random;
#[allow(dead_code, reason = "other programs have one module")]
#[path = "tools/reference.rs"]
mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::policy::settings::Action;
use raygate::ray::build::{Posted, posted};
use raygate::ray::{KubeRay, Workload};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use random::Random;
use reference::{Reference, assert_none};

/// The releases, newest first: their names and programs.
static NEWEST: Reference = Reference::of("pods", "go.mod", "Kubernetes' own");
static OLDEST: Reference = Reference::of("pods", "oldest.mod", "Kubernetes' own");
const RELEASES: [&str; 2] = ["1.37.2", "1.30.14"];

/// The seed of the objects whose answers are recorded, and how many there are.
const RECORDED: (u64, usize) = (900, 1_600);
/// The same of the comparison by command.
const COMPARED: (u64, usize) = (901, 12_000);

/// Codes that a release without the feature does not confirm: it drops the fields instead. RG918: dynamic resource
/// allocation.
const WITHOUT_OLDEST: [&str; 1] = ["RG918"];
/// Codes that Kubernetes finds only once another fault of the pod is gone. RG903: it does not compare the name of a volume with
/// that of one with a fault.
const HIDDEN: [&str; 1] = ["RG903"];

#[derive(Clone, Debug, Deserialize)]
struct Verdict {
    #[serde(default)]
    undecodable: String,
    refusals: Option<Vec<Refusal>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Refusal {
    field: String,
    #[serde(rename = "type")]
    kind: String,
}

/// An object, what KubeRay posts for it, and what the releases refuse: the number of the posted object, the field, and the kind
/// of error.
struct Case {
    object: Value,
    posted: Vec<Posted>,
    refused: [BTreeSet<(usize, String, String)>; 2],
    /// Whether Go can decode what is posted. The CRD's schema rejects other objects.
    is_readable: bool,
}

fn cases((seed, count): (u64, usize)) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut cases = Vec::new();
    for kind in objects::KINDS {
        for object in objects::objects(&mut random, kind, count / objects::KINDS.len()) {
            let tree = Tree::of(&object).unwrap();
            let posted = posted(&Workload::of(tree.root()), "team-a", KubeRay::V1_7, &[]);
            let refused = [BTreeSet::new(), BTreeSet::new()];
            cases.push(Case {
                object,
                posted,
                refused,
                is_readable: true,
            });
        }
    }
    cases
}

/// Asks both releases; `false` without Go.
fn ask(cases: &mut [Case]) -> bool {
    let all = cases.iter().flat_map(|case| &case.posted);
    let texts: Vec<String> = all.map(|posted| posted.object.to_string()).collect();
    for (release, program) in [&NEWEST, &OLDEST].into_iter().enumerate() {
        let Some(verdicts) = program.answers::<Verdict>("verdict", &texts) else {
            return false;
        };
        let mut verdicts = verdicts.into_iter();
        for case in cases.iter_mut() {
            for index in 0..case.posted.len() {
                let verdict = verdicts.next().expect("an answer for each");
                case.is_readable &= verdict.undecodable.is_empty();
                let refusals = verdict.refusals.into_iter().flatten();
                case.refused[release].extend(refusals.map(|one| (index, one.field, one.kind)));
            }
        }
    }
    true
}

/// What raygate finds in an object.
struct Found {
    code: String,
    path: String,
    message: String,
    /// Whether a check of this family denies the object.
    is_denial: bool,
}

fn found(bundle: &Bundle, object: &Value) -> Vec<Found> {
    let request = Request {
        operation: Operation::Create,
        namespace: "team-a".to_owned(),
        user: String::new(),
        object: Tree::of(object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: std::sync::Arc::default(),
    };
    let outcome = answer_as_is(bundle, request);
    let found = outcome.findings.iter().map(|judged| Found {
        code: judged.code().to_owned(),
        path: judged.finding.path.to_string(),
        message: judged.finding.message.clone(),
        is_denial: judged.action == Action::Deny && judged.code().starts_with("RG9"),
    });
    found.collect()
}

/// A place without indices and quotation marks, as far as both sides name the same. Kubernetes names some fields otherwise.
fn place(path: &str) -> String {
    let mut short = String::new();
    let mut rest = path;
    while let Some(start) = rest.find('[') {
        let end = rest[start..].find(']').map_or(rest.len(), |end| start + end + 1);
        let key = rest[start..end].trim_matches(['[', ']', '"']);
        short.push_str(&rest[..start]);
        if key.parse::<usize>().is_err() {
            short.push('.');
            short.push_str(key);
        }
        rest = &rest[end..];
    }
    short.push_str(rest);
    let mut short = short.to_lowercase();
    for (theirs, ours) in [
        (".persistentdisk", ".gcepersistentdisk"),
        (".projected.path", ".projected.sources.serviceaccounttoken.path"),
        (".projected.sources.downwardapi.path", ".projected.sources.downwardapi"),
    ] {
        short = short.replace(theirs, ours);
    }
    // They report the wrong half of two fields that contradict each other.
    for parent in [".tolerations", ".ports"] {
        if let Some(at) = short.find(&format!("{parent}.")) {
            short.truncate(at + parent.len());
        }
    }
    short
}

fn is_same(ours: &str, theirs: &str) -> bool {
    ours.starts_with(theirs) || theirs.starts_with(ours)
}

/// Where a release refuses a case.
fn places(case: &Case, release: usize) -> Vec<String> {
    let refused = case.refused[release].iter();
    refused
        .map(|(index, field, _)| place(&case.posted[*index].place(field).to_string()))
        .collect()
}

/// The denials that a release does not confirm: some of each code.
fn wrong(cases: &[(Case, Vec<Found>)]) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (case, found) in cases {
        let confirmed = [places(case, 0), places(case, 1)];
        for Found {
            code, path, message, ..
        } in found.iter().filter(|found| found.is_denial)
        {
            let ours = place(path);
            for (release, places) in confirmed.iter().enumerate() {
                let is_excused = release == 1 && WITHOUT_OLDEST.contains(&code.as_str());
                let is_excused = is_excused || HIDDEN.contains(&code.as_str()) && !places.is_empty();
                if !is_excused && !places.iter().any(|theirs| is_same(&ours, theirs)) {
                    let all = wrong.entry(code.clone()).or_default();
                    all.push(format!("{}: {code} {path}: {message}\n  {places:?}", RELEASES[release]));
                }
            }
        }
    }
    let shown = |(code, all): (String, Vec<String>)| {
        let count = format!("{code}: {} denials are wrong", all.len());
        std::iter::once(count)
            .chain(all.into_iter().take(SHOWN))
            .collect::<Vec<_>>()
    };
    wrong.into_iter().flat_map(shown).collect()
}

/// The cases that Go can decode, each with what raygate finds.
fn judged(cases: Vec<Case>) -> Vec<(Case, Vec<Found>)> {
    let bundle = Bundle::new(PolicySet::default());
    let cases = cases.into_iter().filter(|case| case.is_readable);
    cases
        .map(|case| {
            let found = found(&bundle, &case.object);
            (case, found)
        })
        .collect()
}

/// A digest of what is asked.
fn digest(cases: &[Case]) -> String {
    let mut digest = Sha256::new();
    for posted in cases.iter().flat_map(|case| &case.posted) {
        digest.update(posted.object.to_string());
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods").join(name)
}

fn header(cases: &[Case]) -> Value {
    json!({"seed": RECORDED.0, "objects": RECORDED.1, "releases": RELEASES, "asked": digest(cases)})
}

/// The answers as lines: the number of the object and of what is posted, who refuses it (`=` both, `+` the newest, `-` the
/// oldest, `!` nobody can decode it), the field and the kind of error.
fn lines(cases: &[Case]) -> String {
    let mut text = String::new();
    for (number, case) in cases.iter().enumerate() {
        if !case.is_readable {
            writeln!(text, "{number} 0 ! - -").unwrap();
            continue;
        }
        let [newest, oldest] = &case.refused;
        for refusal in newest.union(oldest) {
            let who = match (newest.contains(refusal), oldest.contains(refusal)) {
                (true, true) => '=',
                (true, false) => '+',
                _ => '-',
            };
            let (index, field, kind) = refusal;
            writeln!(text, "{number} {index} {who} {field} {kind}").unwrap();
        }
    }
    text
}

#[test]
fn no_pod_is_rejected_that_kubernetes_accepts() {
    let text = fs::read_to_string(file("answers.txt")).unwrap();
    let (first, answers) = text.split_once('\n').unwrap();
    let mut cases = cases(RECORDED);
    let asked: Value = serde_json::from_str(first).unwrap();
    let stale = "other pods are built than were asked about: RAYGATE_BLESS=1 cargo test --test pods -- --ignored";
    assert_eq!(asked, header(&cases), "{stale}");
    for line in answers.lines() {
        let parts: Vec<&str> = line.splitn(5, ' ').collect();
        let [number, index, who, field, kind] = parts[..] else {
            panic!("{line}");
        };
        let case: &mut Case = &mut cases[number.parse::<usize>().unwrap()];
        case.is_readable &= who != "!";
        let refusal = (index.parse().unwrap(), field.to_owned(), kind.to_owned());
        if who != "-" {
            case.refused[0].insert(refusal.clone());
        }
        if who != "+" {
            case.refused[1].insert(refusal);
        }
    }
    let cases = judged(cases);
    assert_none(&wrong(&cases), cases.len());
    let is_denied = |(_, found): &&(Case, Vec<Found>)| found.iter().any(|found| found.is_denial);
    let denied = cases.iter().filter(is_denied).count();
    assert!(denied > cases.len() / 5, "{denied} of {} are denied", cases.len());
}

/// What the newest release refuses and no finding is about, by kind of error and field; how many objects it refuses, how many of
/// them are denied, and how many have no finding.
fn missed(cases: &[(Case, Vec<Found>)]) -> (BTreeMap<String, usize>, [usize; 3]) {
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut refused, mut denied, mut silent) = (0, 0, 0);
    for (case, found) in cases.iter().filter(|(case, _)| !case.refused[0].is_empty()) {
        refused += 1;
        denied += usize::from(found.iter().any(|found| found.is_denial));
        let ours: Vec<String> = found.iter().map(|found| place(&found.path)).collect();
        let all = places(case, 0);
        let mut seen = BTreeSet::new();
        let mut is_silent = true;
        for (index, field, kind) in &case.refused[0] {
            let theirs = place(&case.posted[*index].place(field).to_string());
            // A volume with a fault is none that a mount can name.
            let volumes = theirs
                .split(".spec.")
                .next()
                .map(|template| format!("{template}.spec.volumes"));
            let follows = kind == "FieldValueNotFound"
                && theirs.ends_with(".volumemounts.name")
                && volumes.is_some_and(|volumes| all.iter().any(|place| place.starts_with(&volumes)));
            if follows || ours.iter().any(|ours| is_same(ours, &theirs)) {
                is_silent = false;
                continue;
            }
            let field = place(field);
            if seen.insert((field.clone(), kind)) {
                *missed.entry(format!("{kind}: {field}")).or_default() += 1;
            }
        }
        silent += usize::from(is_silent);
    }
    (missed, [refused, denied, silent])
}

#[test]
#[ignore = "builds two releases of Kubernetes' validation, which takes minutes"]
fn twelve_thousand_objects_are_judged_as_kubernetes_judges_their_pods() {
    let mut compared = cases(COMPARED);
    if !ask(&mut compared) {
        return;
    }
    let compared = judged(compared);
    let (missed, [refused, denied, silent]) = missed(&compared);
    let total = compared.len();
    println!(
        "{total} objects: {refused} rejected, {denied} of them denied by RG9xx, {silent} for what no finding is about"
    );
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        let mut recorded = cases(RECORDED);
        let header = header(&recorded);
        assert!(ask(&mut recorded));
        fs::write(file("answers.txt"), format!("{header}\n{}", lines(&recorded))).unwrap();
        let mut text = format!(
            "# What Kubernetes rejects and raygate does not\n\nWritten by `RAYGATE_BLESS=1 cargo test --test pods -- --ignored`: of \
             {total} generated objects (seed {}), Kubernetes {} rejects {refused}. {denied} of them are denied by RG9xx; {silent} \
             are rejected only for what no finding is about. The table counts the errors that no finding is about, by kind and field.\n\n| objects | error |\n|---|---|\n",
            COMPARED.0, RELEASES[0]
        );
        let mut missed: Vec<_> = missed.into_iter().collect();
        missed.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
        for (error, count) in missed {
            writeln!(text, "| {count} | `{error}` |").unwrap();
        }
        fs::write(file("missed.md"), text).unwrap();
    }
    assert_none(&wrong(&compared), total);
    assert!(refused > total / 4, "{refused} of {total} are refused");
}
