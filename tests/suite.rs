//! The shipped policies pass their own cases, which notice every part of them; and the tester itself is tested.
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
use std::process::{Command, Output};

use raygate::engine::Bundle;
use raygate::engine::bundle::known;
use raygate::policy::load::Source;
use raygate::ray::kind::KINDS;
use raygate::suite::compare::compare;
use raygate::suite::coverage::{Coverage, coverage};
use raygate::suite::run::run;
use raygate::suite::{Suite, Tested};
use serde_json::{Value, json};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path, wanted: fn(&str) -> bool, out: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files(&path, wanted, out);
        } else if wanted(&name) {
            out.push(Source::new(path.to_str().unwrap(), &fs::read_to_string(&path).unwrap()));
        }
    }
}

fn load(tests: &[Source]) -> Suite {
    Suite::load(tests, &|file| fs::read(file).map_err(|error| error.to_string()))
}

fn failures(suite: &Suite, results: &[Tested<'_>]) -> Vec<String> {
    let mut out = Vec::new();
    for tested in results {
        let diagnostics = tested.diagnostics.iter();
        out.extend(diagnostics.map(|diagnostic| diagnostic.concise(&suite.sources)));
        let differences = tested.differences.iter();
        out.extend(differences.map(|difference| format!("{}: {difference:?}", tested.file.name)));
    }
    out
}

fn shipped() -> Vec<Source> {
    let embedded = raygate::engine::bundle::EMBEDDED.iter();
    embedded.map(|(name, text)| Source::new(name, text)).collect()
}

fn unnoticed(covered: &Coverage) -> Vec<String> {
    let parts = covered.unnoticed.iter();
    parts.map(|part| part.diagnostic().concise(&covered.sources)).collect()
}

#[test]
fn the_shipped_policies_pass_their_cases_and_every_part_is_noticed() {
    let mut tests = Vec::new();
    files(&root("policies/tests"), |name| name.ends_with(".test.yaml"), &mut tests);
    let suite = load(&tests);
    let results = suite.run(&Bundle::embedded());
    assert_eq!(failures(&suite, &results), Vec::<String>::new());
    let shipped = shipped();
    let covered = coverage(&shipped, &[], &known(), &suite);
    assert_eq!(unnoticed(&covered), Vec::<String>::new());
    assert!(covered.parts >= 15, "only {} parts were taken out", covered.parts);
}

/// The folders of the library: one set of policies each, for use beside the shipped ones.
fn library() -> Vec<PathBuf> {
    let entries = fs::read_dir(root("policies/library")).unwrap();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn policies_in(folder: &Path) -> Vec<Source> {
    let mut out = Vec::new();
    files(
        folder,
        |name| name.ends_with(".yaml") && !name.ends_with(".test.yaml"),
        &mut out,
    );
    out
}

#[test]
fn each_folder_of_the_library_passes_its_cases_beside_the_shipped_policies_and_every_part_is_noticed() {
    let folders = library();
    assert!(folders.len() >= 15, "{folders:?}");
    for folder in folders {
        let own = policies_in(&folder);
        let loaded = raygate::policy::load(&[own.clone(), shipped()].concat(), &known());
        let found: Vec<String> = loaded
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.concise(&loaded.sources))
            .collect();
        assert_eq!(found, Vec::<String>::new());
        let mut tests = Vec::new();
        files(&folder, |name| name.ends_with(".test.yaml"), &mut tests);
        let suite = load(&tests);
        let results = suite.run(&Bundle::new(loaded.set));
        assert_eq!(failures(&suite, &results), Vec::<String>::new());
        assert!(results.len() >= 2, "{} has {} cases", folder.display(), results.len());
        let covered = coverage(&own, &shipped(), &known(), &suite);
        assert_eq!(unnoticed(&covered), Vec::<String>::new());
        assert!(covered.parts >= 2, "{}", folder.display());
        let page = fs::read_to_string(folder.join("README.md")).unwrap();
        let stated = page.split("\n\n").find_map(|text| text.strip_prefix("**Kinds:** "));
        let stated = stated.unwrap_or_else(|| panic!("{} does not state its kinds", folder.display()));
        for kind in KINDS {
            // No policy of the library leaves a kind out.
            assert!(stated.contains(kind.name), "{}: {}", folder.display(), kind.name);
        }
    }
}

/// Three ways to say where the same GPUs are: a platform has one of them.
const ALTERNATIVES: [&str; 3] = ["nvidia", "nvidia-gke", "nvidia-karpenter"];

#[test]
fn the_whole_library_loads_together() {
    for chosen in ALTERNATIVES {
        let mut sources = shipped();
        for folder in library() {
            let name = folder.file_name().unwrap().to_str().unwrap();
            if name == chosen || !ALTERNATIVES.contains(&name) {
                sources.extend(policies_in(&folder));
            }
        }
        let loaded = raygate::policy::load(&sources, &known());
        let found: Vec<String> = loaded
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.concise(&loaded.sources))
            .collect();
        assert_eq!(found, Vec::<String>::new(), "with {chosen}");
    }
}

#[test]
fn every_rayjob_of_flyte_is_a_case_and_is_admitted() {
    let mut tests = Vec::new();
    files(&root("policies"), |name| name.starts_with("flyte-"), &mut tests);
    let used: BTreeSet<String> = tests
        .iter()
        .map(|test| {
            let text = String::from_utf8(test.bytes.clone()).unwrap();
            assert!(text.contains("verdict: Allow"), "{} is not admitted", test.name);
            let from = text.split("from: ../../tests/rayjobs/").nth(1).unwrap();
            from.lines().next().unwrap().to_owned()
        })
        .collect();
    let all: BTreeSet<String> = fs::read_dir(root("tests/rayjobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(used, all);
}

const POLICY: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {namespaces: [ml]}
  defaults:
    lifecycle:
      shutdownAfterJobFinishes: true
      ttlSecondsAfterFinished: 600
  actions:
    RG501: Warn
    RG405: Ignore
";

/// A case whose job has two groups of one name, and neither shutdown nor TTL.
const CASE: &str = "\
# what this file is for
name: a job without a TTL   # gets one
object:
  apiVersion: ray.io/v1
  kind: RayJob
  metadata: {name: a, namespace: ml}
  spec:
    entrypoint: python a.py
    rayClusterSpec:
      headGroupSpec: {rayStartParams: {}, template: {spec: {containers: [{name: h, image: r, resources: {limits: {cpu: 1, memory: 4Gi}}}]}}}
      workerGroupSpecs:
        - {groupName: w, rayStartParams: {}, template: {spec: {containers: [{name: w, image: r, resources: {limits: {cpu: 1, memory: 4Gi}}}]}}}
        - {groupName: w, rayStartParams: {}, template: {spec: {containers: [{name: w, image: r, resources: {limits: {cpu: 1, memory: 4Gi}}}]}}}
";

const WANT: &str = "\
want:
  exact: true
  verdict: Allow
  findings:
    - {code: RG501, action: Warn, path: 'spec.rayClusterSpec.workerGroupSpecs[1].groupName'}
  changes: {spec.shutdownAfterJobFinishes: true, spec.ttlSecondsAfterFinished: 600}   # as the policy says
";

fn bundle() -> Bundle {
    let loaded = raygate::policy::load(&[Source::new("base.yaml", POLICY)], &known());
    assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
    Bundle::new(loaded.set)
}

/// The differences of one case: part, what is wanted and from where, what came out and from where.
fn differences(text: &str) -> Vec<Value> {
    let suite = load(&[Source::new("a.test.yaml", text)]);
    let results = suite.run(&bundle());
    assert!(results[0].diagnostics.is_empty(), "{:?}", failures(&suite, &results));
    let side = |line: &Option<raygate::suite::Line>| {
        line.as_ref().map(|line| match &line.place {
            Some(place) => format!("{} <- {place}", line.text),
            None => line.text.clone(),
        })
    };
    results[0]
        .differences
        .iter()
        .map(|difference| json!([difference.part, side(&difference.want), side(&difference.got)]))
        .collect()
}

#[test]
fn a_case_that_comes_out_as_it_wants_passes() {
    assert_eq!(differences(&format!("{CASE}{WANT}")), Vec::<Value>::new());
}

#[test]
fn only_what_a_want_names_is_compared() {
    let group = "spec.rayClusterSpec.workerGroupSpecs[1].groupName";
    for (want, wanted) in [
        ("{verdict: Allow}", json!([])),
        (
            "{verdict: Deny}",
            json!([["verdict", "Deny <- a.test.yaml:14", "Allow"]]),
        ),
        ("{findings: [{code: RG501}]}", json!([])),
        ("{changes: {spec.ttlSecondsAfterFinished: 600}}", json!([])),
        (
            "{changes: {spec.ttlSecondsAfterFinished: 1}}",
            json!([[
                "changes",
                "spec.ttlSecondsAfterFinished: 1 <- a.test.yaml:14",
                "spec.ttlSecondsAfterFinished: 600 <- base.yaml:9:7 lifecycle"
            ]]),
        ),
        (
            "{changes: {spec.suspend: true}}",
            json!([["changes", "spec.suspend: true <- a.test.yaml:14", null]]),
        ),
        (
            "{findings: [{code: RG203, action: Deny}]}",
            json!([["findings", "RG203 Deny <- a.test.yaml:14", null]]),
        ),
        ("{previews: []}", json!([])),
        (
            "{previews: [{policy: next, code: RG203}]}",
            json!([["previews", "next: RG203 <- a.test.yaml:14", null]]),
        ),
    ] {
        assert_eq!(json!(differences(&format!("{CASE}want: {want}\n"))), wanted, "{want}");
    }
    // An empty list or mapping is named too: there must be nothing.
    let found = differences(&format!("{CASE}want: {{findings: [], changes: {{}}}}\n"));
    let parts: Vec<&Value> = found.iter().map(|one| &one[0]).collect();
    assert_eq!(parts, ["findings", "changes", "changes"]);
    assert!(
        found[0][2]
            .as_str()
            .unwrap()
            .starts_with(&format!("RG501 Warn at {group}: "))
    );
    // A finding of the same code at another place is shown beside the wish.
    let found = differences(&format!("{CASE}want: {{findings: [{{code: RG501, action: Deny}}]}}\n"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][1], "RG501 Deny <- a.test.yaml:14");
    assert!(found[0][2].as_str().unwrap().starts_with("RG501 Warn at"));
}

#[test]
fn a_wish_names_a_part_of_what_was_set() {
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}, defaults: {readiness: Http}}\n";
    let loaded = raygate::policy::load(&[Source::new("a.yaml", policy)], &known());
    let bundle = Bundle::new(loaded.set);
    let object = CASE.split("      workerGroupSpecs:").next().unwrap();
    let at = "spec.rayClusterSpec.headGroupSpec.template.spec.containers[0].livenessProbe";
    let texts = |changes: Value| -> Vec<[Option<String>; 2]> {
        let suite = load(&[Source::new(
            "a.test.yaml",
            &format!("{object}want: {}\n", json!({"changes": changes})),
        )]);
        let results = suite.run(&bundle);
        let text = |line: &Option<raygate::suite::Line>| line.as_ref().map(|line| line.text.clone());
        let differences = results[0].differences.iter();
        differences.map(|one| [text(&one.want), text(&one.got)]).collect()
    };
    let path = |rest: &str| format!("{at}{rest}");
    assert_eq!(
        texts(json!({at: {"httpGet": {"port": 52365}}})),
        <[[_; 2]; 0]>::default()
    );
    assert_eq!(texts(json!({path(".httpGet.port"): 52365})), <[[_; 2]; 0]>::default());
    assert_eq!(
        texts(json!({path(".httpGet"): {"port": 52365}})),
        <[[_; 2]; 0]>::default()
    );
    // A mapping above several changes names some of them.
    let container = at.strip_suffix(".livenessProbe").unwrap();
    let probes = json!({"startupProbe": {"periodSeconds": 5}, "livenessProbe": {"periodSeconds": 10}});
    assert_eq!(texts(json!({container: probes})), <[[_; 2]; 0]>::default());
    let wrong = json!({"startupProbe": {"periodSeconds": 5}, "image": "x"});
    let image = format!("{container}.image: \"x\"");
    assert_eq!(texts(json!({container: wrong})), [[Some(image), None]]);
    let differs = [Some(path(".httpGet.port: 1")), Some(path(".httpGet.port: 52365"))];
    assert_eq!(
        texts(json!({path(".httpGet"): {"port": 1}})),
        std::slice::from_ref(&differs)
    );
    assert_eq!(texts(json!({path(".httpGet.port"): 1})), std::slice::from_ref(&differs));
    assert_eq!(texts(json!({at: {"httpGet": {"port": 1}}})), [differs]);
    assert_eq!(texts(json!({path(".exec"): 1})), [[Some(path(".exec: 1")), None]]);
}

const TABLE: &str = "\
request: {namespace: ml}
cases:
  - name: nothing more
    want: {verdict: Allow}
  - name: no entrypoint   # why
    unset: [spec.entrypoint]
  - name: elsewhere
    request: {namespace: other}
    want:
      changes: {spec.ttlSecondsAfterFinished: 1}
  - {name: suspended, set: {spec: {suspend: true}}, want: {verdict: Deny}}
";

#[test]
fn a_table_has_one_object_and_many_changes() {
    let folder = Folder::new(&[("a.test.yaml", &format!("{CASE}{TABLE}"))]);
    let (code, text) = folder.test(&["--output", "jsonl"]);
    assert_eq!(code, 1, "{text}");
    let results: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = results.iter().map(|result| &result["name"]).collect();
    let named = ["nothing more", "no entrypoint", "elsewhere", "suspended"];
    assert_eq!(
        json!(names),
        json!(named.map(|name| format!("a job without a TTL: {name}")))
    );
    let passed: Vec<&Value> = results.iter().map(|result| &result["passed"]).collect();
    assert_eq!(json!(passed), json!([true, false, false, false]));

    // Each case gets what it names, and everything else stays.
    let (code, text) = folder.test(&["--bless"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("4 cases: 4 passed, 0 failed"), "{text}");
    let blessed = folder.read("a.test.yaml");
    let rows = blessed.strip_prefix(CASE).unwrap();
    assert!(
        rows.starts_with("request: {namespace: ml}\ncases:\n  - name: nothing more\n    want: {verdict: Allow}\n  - name: no entrypoint   # why\n    unset: [spec.entrypoint]\n    want:\n      verdict: Deny\n      findings:\n      - {code: "),
        "{rows}"
    );
    assert!(
        rows.contains("    request: {namespace: other}\n    want:\n      changes: {}\n"),
        "{rows}"
    );
    assert!(
        rows.ends_with("  - {name: suspended, set: {spec: {suspend: true}}, \"want\": {\"verdict\":\"Allow\"}}\n"),
        "{rows}"
    );
    assert_eq!(folder.test(&["--bless"]).0, 0);
    assert_eq!(folder.read("a.test.yaml"), blessed);

    // What is wrong with one case leaves the others alone.
    folder.write(
        "a.test.yaml",
        &blessed.replace("[spec.entrypoint]", "[spec.no-such-field]"),
    );
    let (code, text) = folder.test(&[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("4 cases: 3 passed, 1 failed") && text.contains("RT104"),
        "{text}"
    );
    let broken = format!(
        "{CASE}cases:\n  - {{name: a, want: {{verdict: Allow}}}}\n  - {{name: b, facts: {{Pod: 3}}, want: {{verdict: Allow}}}}\n"
    );
    folder.write("a.test.yaml", &broken);
    let (code, text) = folder.test(&[]);
    assert_eq!(code, 1);
    assert!(
        text.contains("2 cases: 1 passed, 1 failed") && text.contains("RT107"),
        "{text}"
    );
}

#[test]
fn blessing_fills_in_what_is_named() {
    let path = "spec.rayClusterSpec.workerGroupSpecs[1].groupName";
    for (want, blessed) in [
        // A value, and what is not there any more.
        (
            "want:\n  changes:\n    spec.ttlSecondsAfterFinished: 1\n    spec.suspend: true\n",
            "want:\n  changes:\n    spec.ttlSecondsAfterFinished: 600\n".to_owned(),
        ),
        (
            "want: {findings: [{code: RG203}, {code: RG501, action: Deny}]}\n",
            "want:\n  findings:\n  - {code: RG501, action: Warn}\n".to_owned(),
        ),
        (
            "want: {findings: [{code: RG501, path: spec}], verdict: Deny}\n",
            format!("want:\n  verdict: Allow\n  findings:\n  - {{code: RG501, path: \"{path}\"}}\n"),
        ),
        // Nothing of it is left.
        (
            "want: {findings: [{code: RG203}]}\n",
            format!("want:\n  findings:\n  - {{code: RG501, action: Warn, path: \"{path}\"}}\n"),
        ),
        (
            "want: {changes: {spec.suspend: true}}\n",
            "want:\n  changes:\n    spec.shutdownAfterJobFinishes: true\n    spec.ttlSecondsAfterFinished: 600\n"
                .to_owned(),
        ),
        // Empty ones are filled.
        (
            "want: {changes: {}}\n",
            "want:\n  changes:\n    spec.shutdownAfterJobFinishes: true\n    spec.ttlSecondsAfterFinished: 600\n"
                .to_owned(),
        ),
        (
            "want: {findings: []}\n",
            format!("want:\n  findings:\n  - {{code: RG501, action: Warn, path: \"{path}\"}}\n"),
        ),
        (
            EVERYTHING,
            format!(
                "want:\n  exact: true\n  verdict: Allow\n  findings:\n  - {{code: RG501, action: Warn, path: \"{path}\"}}\n  changes:\n    spec.shutdownAfterJobFinishes: true\n    spec.ttlSecondsAfterFinished: 600\n"
            ),
        ),
    ] {
        let folder = Folder::new(&[("a.test.yaml", &format!("{CASE}{want}"))]);
        let (code, text) = folder.test(&["--bless"]);
        assert_eq!(code, 0, "{want}: {text}");
        assert_eq!(
            folder.read("a.test.yaml").strip_prefix(CASE).unwrap(),
            blessed,
            "{want}"
        );
    }
}

#[test]
fn a_wish_that_says_less_of_a_finding_is_met_too() {
    for finding in [
        "{code: RG501}",
        "{code: RG501, action: Warn}",
        "{code: RG501, path: 'spec.rayClusterSpec.workerGroupSpecs[1].groupName'}",
    ] {
        let want = WANT.lines().map(|line| match line.trim_start() {
            text if text.starts_with("- {code") => format!("    - {finding}\n"),
            _ => format!("{line}\n"),
        });
        assert_eq!(
            differences(&format!("{CASE}{}", want.collect::<String>())),
            Vec::<Value>::new()
        );
    }
}

#[test]
fn a_wrong_wish_fails_and_shows_the_lines_of_test_and_policy() {
    let wrong = WANT
        .replace("verdict: Allow", "verdict: Deny")
        .replace("action: Warn", "action: Deny")
        .replace("ttlSecondsAfterFinished: 600", "ttlSecondsAfterFinished: 300")
        .replace("spec.shutdownAfterJobFinishes: true", "spec.suspend: true");
    let group = "spec.rayClusterSpec.workerGroupSpecs[1].groupName";
    let found = differences(&format!("{CASE}{wrong}"));
    let message = found[1][2].as_str().unwrap();
    assert!(
        message.starts_with(&format!("RG501 Warn at {group}: ")) && message.ends_with(" <- base.yaml:11:5"),
        "{message}"
    );
    assert_eq!(
        found,
        [
            json!(["verdict", "Deny <- a.test.yaml:16", "Allow"]),
            json!(["findings", format!("RG501 Deny at {group} <- a.test.yaml:18"), message]),
            json!(["changes", "spec.suspend: true <- a.test.yaml:19", null]),
            json!([
                "changes",
                "spec.ttlSecondsAfterFinished: 300 <- a.test.yaml:19",
                "spec.ttlSecondsAfterFinished: 600 <- base.yaml:9:7 lifecycle"
            ]),
            json!([
                "changes",
                null,
                "spec.shutdownAfterJobFinishes: true <- base.yaml:8:7 lifecycle"
            ]),
        ]
    );
}

#[test]
fn inside_a_value_only_what_differs_is_shown() {
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}, defaults: {readiness: Http}, actions: {RG405: Ignore, RG408: Ignore}}\n";
    let loaded = raygate::policy::load(&[Source::new("a.yaml", policy)], &known());
    let object = CASE.split("      workerGroupSpecs:").next().unwrap();
    let at = "spec.rayClusterSpec.headGroupSpec.template.spec.containers[0]";
    let probe = |path: &str, port: u16, period: u8, failures: u8| json!({"httpGet": {"path": path, "port": port}, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures});
    let want = json!({"verdict": "Allow", "changes": {
        format!("{at}.startupProbe"): probe("/api/local_raylet_healthz", 52365, 5, 180),
        format!("{at}.livenessProbe"): probe("/api/local_raylet_healthz", 1, 10, 60),
        format!("{at}.readinessProbe"): probe("/api/gcs_healthz", 8265, 5, 10),
    }});
    let suite = load(&[Source::new("a.test.yaml", &format!("{object}want: {want}\n"))]);
    let results = suite.run(&Bundle::new(loaded.set));
    let [difference] = results[0].differences.as_slice() else {
        panic!("{:?}", failures(&suite, &results));
    };
    let text = |line: &Option<raygate::suite::Line>| line.as_ref().unwrap().text.clone();
    assert_eq!(text(&difference.want), format!("{at}.livenessProbe.httpGet.port: 1"));
    assert_eq!(text(&difference.got), format!("{at}.livenessProbe.httpGet.port: 52365"));
}

#[test]
fn a_second_mutation_and_the_replayed_patch_must_agree() {
    let suite = load(&[Source::new("a.test.yaml", &format!("{CASE}{WANT}"))]);
    let case = suite.cases().next().unwrap();
    let parts = |ran| -> Vec<&'static str> {
        let differences = compare(case, &ran, &suite.sources);
        differences.into_iter().map(|difference| difference.part).collect()
    };
    let ran = || run(case, &bundle());
    assert_eq!(parts(ran()), Vec::<&str>::new());
    let mut unstable = ran();
    unstable.again["spec"]["ttlSecondsAfterFinished"] = json!(601);
    assert_eq!(parts(unstable), ["applied twice"]);
    let mut astray = ran();
    astray.replayed = Ok(astray.before.clone());
    assert!(parts(astray).iter().all(|part| *part == "patch replayed"));
    let mut broken = ran();
    broken.replayed = Err("no such path".to_owned());
    assert_eq!(parts(broken), ["patch replayed"]);
}

#[test]
fn mistakes_in_test_files_have_a_place() {
    let both = format!("{CASE}from: a.json\n{WANT}");
    let only_want = format!("name: a\n{WANT}");
    let set = |text: &str| format!("{CASE}set: {text}\n{WANT}");
    let unset = |text: &str| format!("{CASE}unset: {text}\n{WANT}");
    let request = |text: &str| format!("{CASE}request: {text}\n{WANT}");
    let mut wrong = Vec::new();
    for (text, wanted) in [
        (
            String::new(),
            "a.test.yaml:1:1: error[RT101]: the test file holds no case",
        ),
        (
            format!("{CASE}{WANT}---\nname: b\n"),
            "a.test.yaml:21:1: error[RT101]: a test file has one document, this is a second",
        ),
        (
            both,
            "a.test.yaml:4:3: error[RT102]: the case has both of `object` and `from`",
        ),
        (
            only_want,
            "a.test.yaml:1:7: error[RT102]: the case has neither of `object` and `from`",
        ),
        (
            format!("name: a\nfrom: no-such-file.json\n{WANT}"),
            "a.test.yaml:2:7: error[RT102]: cannot take the object from `no-such-file.json`",
        ),
        (CASE.to_owned(), "a.test.yaml:2:7: error[RT103]: the case wants nothing"),
        (
            set("{spec: {suspend: true, entrypoint: python a.py}}"),
            "a.test.yaml:14:29: error[RT104]: `set` puts in what is there already",
        ),
        (
            set("{spec: {ttlSecondsAfterFinished: 0}}"),
            "a.test.yaml:14:14: error[RT104]: `set` puts in what is there already",
        ),
        (
            set("{spec: {suspend: null}}"),
            "a.test.yaml:14:14: error[RT104]: `set` puts in what is there already",
        ),
        (
            set("{spec: {}}"),
            "a.test.yaml:14:7: error[RT104]: `set` puts in what is there already",
        ),
        (
            unset("[spec.entrypoint, spec.suspend]"),
            "a.test.yaml:14:26: error[RT104]: `unset` names what is not there",
        ),
        (unset("['spec[']"), "a.test.yaml:14:9: error[RT105]: `spec[` is no path"),
        (
            request("{operation: UPDATE}"),
            "a.test.yaml:14:22: error[RT106]: an UPDATE has no `old`",
        ),
        (
            request("{old: {unset: [spec.entrypoint]}}"),
            "a.test.yaml:14:16: error[RT106]: only an UPDATE has an `old`",
        ),
        (
            format!("{CASE}wants: {{}}\n"),
            "a.test.yaml:14:1: error[RP102]: `case` has no key `wants`",
        ),
        (
            format!("{CASE}want: {{verdict: Denied}}\n"),
            "a.test.yaml:14:17: error[RP106]: `verdict` cannot be `Denied`",
        ),
        (
            format!("{CASE}want: {{}}\n"),
            "a.test.yaml:2:7: error[RT103]: the case wants nothing",
        ),
        (
            format!("{CASE}want: {{exact: true}}\n"),
            "a.test.yaml:2:7: error[RT103]: the case wants nothing",
        ),
        (
            format!("{CASE}want: {{verdct: Allow}}\n"),
            "a.test.yaml:14:8: error[RP102]: `want` has no key `verdct`",
        ),
        (
            format!("{CASE}{WANT}cases: [{{name: b, want: {{verdict: Allow}}}}]\n"),
            "a.test.yaml:14:1: error[RT101]: a file with `cases` has no `want`",
        ),
        (
            format!("{CASE}cases: []\n"),
            "a.test.yaml:14:8: error[RT101]: `cases` is empty",
        ),
        (
            format!("{CASE}cases: [{{name: b}}]\n"),
            "a.test.yaml:14:16: error[RT103]: the case wants nothing",
        ),
        (
            format!("{CASE}cases: [{{name: b, unset: [spec.suspend], want: {{verdict: Allow}}}}]\n"),
            "a.test.yaml:14:27: error[RT104]: `unset` names what is not there",
        ),
        (
            format!("{CASE}cases: [{{name: b, from: a.json, want: {{verdict: Allow}}}}]\n"),
            "a.test.yaml:14:19: error[RP102]: `cases[0]` has no key `from`",
        ),
    ] {
        let suite = load(&[Source::new("a.test.yaml", &text)]);
        let results = suite.run(&bundle());
        assert!(!results[0].passed(), "{text}");
        let found = failures(&suite, &results);
        if !found.first().is_some_and(|found| found.starts_with(wanted)) {
            wrong.push(format!("wanted {wanted}\nfound {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn set_merges_and_unset_takes_away() {
    let edits = "\
set:
  metadata: {namespace: null, labels: {example.com/team: vision}}
  spec: {rayClusterSpec: {workerGroupSpecs: [{}, {groupName: x}]}}
unset: ['spec.rayClusterSpec.workerGroupSpecs[0]', spec.entrypoint]
";
    let suite = load(&[Source::new("a.test.yaml", &format!("{CASE}{edits}{WANT}"))]);
    let case = suite.cases().next().unwrap();
    assert!(suite.files[0].diagnostics.is_empty());
    let object = case.object.root().to_value();
    let groups = object.pointer("/spec/rayClusterSpec/workerGroupSpecs").unwrap();
    assert_eq!(groups.as_array().unwrap().len(), 1);
    assert_eq!(groups[0]["groupName"], "x");
    assert_eq!(groups[0]["numOfHosts"], 1, "the defaults of the CRD are there");
    assert_eq!(
        object["metadata"],
        json!({"name": "a", "labels": {"example.com/team": "vision"}})
    );
    assert_eq!(object["spec"].get("entrypoint"), None);
}

/// A folder with a policy and test files, and the command run in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(tests: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write("base.yaml", POLICY);
        for (name, text) in tests {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn test(&self, arguments: &[&str]) -> (i32, String) {
        let Output {
            status, stdout, stderr, ..
        } = Command::new(env!("CARGO_BIN_EXE_raygate"))
            .current_dir(self.0.path())
            .args(["test", "."])
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        (status.code().unwrap(), text)
    }
}

#[test]
fn exit_codes() {
    let passing = format!("{CASE}{WANT}");
    let failing = passing.replace("verdict: Allow", "verdict: Deny");
    assert_eq!(Folder::new(&[("a.test.yaml", &passing)]).test(&[]).0, 0);
    let (code, text) = Folder::new(&[("a.test.yaml", &failing)]).test(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("FAIL  ./a.test.yaml") && text.contains("- Deny") && text.contains("+ Allow"),
        "{text}"
    );
    let (code, text) = Folder::new(&[]).test(&[]);
    assert_eq!(code, 1, "no case is a failure: {text}");
    assert!(text.contains("no case was found"), "{text}");
    assert_eq!(Folder::new(&[]).test(&["no-such-folder"]).0, 2);
    assert_eq!(Folder::new(&[]).test(&["base.yaml"]).0, 2);
    let broken = Folder::new(&[("a.test.yaml", &passing)]);
    broken.write("broken.yaml", "kind: RayPolicy\n");
    assert_eq!(broken.test(&[]).0, 3);
}

#[test]
fn policies_beside_hold_and_are_not_measured() {
    let folder = Folder::new(&[("a.test.yaml", &format!("{CASE}{WANT}"))]);
    fs::create_dir(folder.0.path().join("beside")).unwrap();
    folder.write("beside/.raygate-optional", "");
    folder.write(
        "beside/limits.yaml",
        &POLICY
            .replace("name: base", "name: more")
            .replace("actions:", "limits: {maxPodsPerJob: 0}\n  actions:"),
    );
    folder.write("beside/failing.test.yaml", &format!("{CASE}want: {{verdict: Retry}}\n"));
    // A folder that is only offered is found where it is named.
    assert_eq!(folder.test(&[]).0, 0);
    let (code, text) = folder.test(&["--policies", "beside"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("RG507") && text.contains("1 case: 0 passed, 1 failed"),
        "{text}"
    );
    let (code, text) = folder.test(&["--policies", "beside", "--bless", "--coverage"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("base.yaml") && !text.contains("beside"), "{text}");
}

#[test]
fn blessing_writes_the_want_and_nothing_else() {
    let stale = WANT.replace("600", "1").replace("verdict: Allow", "verdict: Deny");
    let flow = json!({"name": "b", "object": {"kind": "RayJob", "metadata": {"namespace": "ml"}, "spec": {}}});
    let folder = Folder::new(&[
        ("missing.test.yaml", CASE),
        ("no-line-end.test.yaml", CASE.trim_end()),
        (
            "stale.test.yaml",
            &format!(
                "{}{stale}# the end\n",
                CASE.replace("object:", "request: {namespace: ml}\nobject:")
            ),
        ),
        (
            "early.test.yaml",
            &CASE.replace("object:", "want: {verdict: Deny, changes: {}}   # now\nobject:"),
        ),
        ("passing.test.yaml", &format!("{CASE}{WANT}")),
        ("flow.test.yaml", &flow.to_string()),
        ("crlf.test.yaml", &CASE.replace('\n', "\r\n")),
    ]);
    assert_eq!(folder.test(&[]).0, 1);
    let (code, text) = folder.test(&["--bless"]);
    assert_eq!(code, 0, "{text}");
    let names =
        ["missing", "no-line-end", "stale", "early", "passing", "flow", "crlf"].map(|name| format!("{name}.test.yaml"));
    let once: Vec<String> = names.iter().map(|name| folder.read(name)).collect();
    assert_eq!(
        once[0],
        format!(
            "{CASE}want:\n  verdict: Allow\n  findings:\n  - {{code: RG501, action: Warn, path: \
             \"spec.rayClusterSpec.workerGroupSpecs[1].groupName\"}}\n"
        )
    );
    assert!(once[2].starts_with("# what this file is for\n") && once[2].ends_with("# the end\n"));
    assert!(
        once[3].contains("ttlSecondsAfterFinished: 600   # now\nobject:\n"),
        "{}",
        once[3]
    );
    assert_eq!(once[4], format!("{CASE}{WANT}"), "what passes stays as it is written");
    assert_eq!(folder.test(&[]).0, 0);
    assert_eq!(folder.test(&["--bless"]).0, 0);
    let twice: Vec<String> = names.iter().map(|name| folder.read(name)).collect();
    assert_eq!(once, twice);
}

#[test]
fn blessing_does_not_cure_a_key_that_changes_nothing() {
    let folder = Folder::new(&[("a.test.yaml", &format!("{CASE}unset: [spec.suspend]\n{WANT}"))]);
    assert_eq!(folder.test(&["--bless"]).0, 1);
}

#[test]
fn coverage_names_what_no_case_notices() {
    let folder = Folder::new(&[("a.test.yaml", &format!("{CASE}{WANT}"))]);
    let (code, text) = folder.test(&["--coverage", "--output", "concise"]);
    assert_eq!(code, 1, "{text}");
    let found: Vec<&str> = text.lines().collect();
    assert_eq!(
        found,
        ["./base.yaml:5:11: error[RT201]: no case notices that `base: spec.match.namespaces` is gone"]
    );
    // A job that the policy is not for notices it.
    let other = CASE.replace("namespace: ml}", "namespace: other}");
    folder.write("b.test.yaml", &format!("{other}{EVERYTHING}"));
    let (code, text) = folder.test(&["--bless", "--coverage"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("coverage: 5 of 5 parts"), "{text}");
}

/// A limit, a rule, a policy in Preview and an exemption, with a case for each; and the parts that only they have.
const GRANTS: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: limits}
spec:
  match: {}
  limits: {maxPodsPerJob: 4}
  rules: [{name: named, require: has(object.metadata.labels), message: no labels}]
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: next}
spec:
  mode: Preview
  match: {namespaces: [next]}
  priority: 1
  defaults: {lifecycle: {activeDeadlineSeconds: 600}}
  limits: {maxPodsPerJob: 3}
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: hero}
spec:
  match: {namespaces: [hero], users: [\"hero-*\"]}
  waive: [rule/named]
  raise: {maxPodsPerJob: 9}
  owner: ml-platform
  reason: a test
  expires: 2026-12-31
";

/// A case of its own name: a head and two workers, sent by `hero-1`.
fn granted(name: &str, namespace: &str, rest: &str) -> (String, String) {
    let case = CASE.replace("a job without a TTL   # gets one", name);
    let second = case.rfind("        - {groupName").unwrap();
    let case = case[..second].replace("{groupName: w,", "{groupName: w, replicas: 2,");
    (
        format!("{name}.test.yaml"),
        format!("{case}request: {{namespace: {namespace}, user: hero-1{rest}}}\n"),
    )
}

/// A `want` that blessing fills with everything.
const EVERYTHING: &str = "want: {exact: true}\n";

#[test]
fn previews_and_exemptions_are_wanted_and_covered() {
    let folder = Folder::new(&[]);
    folder.write("base.yaml", GRANTS);
    for (name, text) in [granted("a-hero", "hero", ""), granted("nobody", "other", "")] {
        folder.write(&name, &format!("{text}{EVERYTHING}"));
    }
    let (name, large) = granted("large", "hero", "");
    let large = large.replace("replicas: 2", "replicas: 5");
    folder.write(&name, &format!("{large}{EVERYTHING}"));
    folder.write(
        "next.test.yaml",
        &format!("{}{EVERYTHING}", granted("next", "next", "").1),
    );
    let (code, text) = folder.test(&["--bless"]);
    assert_eq!(code, 0, "{text}");
    let hero = folder.read("a-hero.test.yaml");
    assert!(
        hero.contains("code: rule/named") && hero.contains("action: Audit"),
        "{hero}"
    );
    let next = folder.read("next.test.yaml");
    assert!(next.contains("previews:") && next.contains("effect: Change"), "{next}");
    assert!(next.contains("effect: Deny"), "the limit too: {next}");

    // Only the clause that no case needs is reported: nobody comes to the namespace under another name.
    let (code, text) = folder.test(&["--coverage", "--output", "concise"]);
    assert_eq!(code, 1, "{text}");
    let found: Vec<&str> = text.lines().collect();
    assert_eq!(
        found,
        ["./base.yaml:23:31: error[RT201]: no case notices that `hero: spec.match.users` is gone"]
    );
    let stranger = granted("stranger", "hero", "").1.replace("hero-1", "somebody");
    folder.write("stranger.test.yaml", &format!("{stranger}{EVERYTHING}"));
    let (code, text) = folder.test(&["--bless", "--coverage"]);
    assert_eq!(code, 0, "{text}");

    // What a policy in Preview would have done is compared like the rest.
    folder.write("next.test.yaml", &next.replace("effect: Deny", "effect: Warn"));
    let (code, text) = folder.test(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("next: Warn") && text.contains("next: Deny"), "{text}");
}

#[test]
fn an_exemption_ends_for_a_case_on_its_day() {
    let folder = Folder::new(&[]);
    folder.write("base.yaml", GRANTS);
    for (day, verdict) in [("2026-12-31", "Allow"), ("2027-01-01", "Deny")] {
        let (name, text) = granted("ends", "hero", &format!(", at: {day}"));
        folder.write(&name, &text);
        let (code, text) = folder.test(&["--bless"]);
        assert_eq!(code, 0, "{text}");
        assert!(folder.read(&name).contains(&format!("verdict: {verdict}")), "{day}");
    }
}

#[test]
fn machines_can_read_the_results() {
    let folder = Folder::new(&[
        ("a.test.yaml", &format!("{CASE}{WANT}")),
        (
            "b.test.yaml",
            &format!("{CASE}{}", WANT.replace("600", "\"<&\\u0001\"")),
        ),
    ]);
    let (code, text) = folder.test(&["--output", "jsonl"]);
    assert_eq!(code, 1);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["passed"], true);
    assert_eq!(lines[1]["passed"], false);
    assert_eq!(lines[1]["differences"][0]["part"], "changes");
    assert_eq!(lines[1]["differences"][0]["got"]["place"], "./base.yaml:9:7 lifecycle");
    let (code, text) = folder.test(&["--output", "junit"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("<testsuite name=\"raygate test\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"1\">"),
        "{text}"
    );
    assert!(
        text.contains("<testcase name=\"a job without a TTL\" classname=\"./a.test.yaml\"/>"),
        "{text}"
    );
    assert!(text.contains("&lt;&amp;\\u0001"), "{text}");
}
