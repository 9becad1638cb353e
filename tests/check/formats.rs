//! What each format prints, as those who read it will read it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::{Folder, SEED, check};

const JOB: &str = "\
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: train-7, namespace: mlplatform-production}
spec:
  entrypoint: python train.py
  ttlSecondsAfterFinished: 300
  shutdownAfterJobFinishes: true
  rayClusterSpec:
    headGroupSpec:
      template: {spec: {containers: [{name: ray-head, image: ray, resources: {limits: {cpu: \"2\", memory: 8Gi}}}]}}
    workerGroupSpecs:
    - groupName: gpu-workers
      replicas: 1
      template:
        spec:
          containers:
          - name: ray-worker
            image: ray
            resources:
              requests: {cpu: \"8\", memory: 32Gi}
              limits: {cpu: \"8\", memory: 500Mi}
";

/// A policy that decides on a code, and one with a rule.
const POLICIES: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: base}
spec:
  match: {}
  actions:
    RG203: Deny  # nobody should guess
  rules:
  - name: entrypoint
    require: object.spec.entrypoint.startsWith('python3')
    message: \"use python3, 100%: {object.spec.entrypoint}\"
    action: Warn
";

/// A policy in Preview that would refuse everything, and an exemption from a limit of its own.
const NEXT: &str = "\
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: next}
spec:
  match: {}
  mode: Preview
  rules: [{name: never, require: 'false', message: never}]
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: limits}
spec: {match: {}, limits: {maxPodsPerJob: 0}}
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: large}
spec:
  match: {namespaces: [mlplatform-production]}
  raise: {maxPodsPerJob: 99}
  owner: ml-platform
  reason: a test
  expires: 2026-12-31
";
const BROKEN: &str = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {mach: {}}\n";

struct Trial(Folder);

impl Trial {
    fn new() -> Trial {
        Trial(Folder::new(&[
            ("jobs/train.yaml", JOB),
            ("policies/base.yaml", POLICIES),
            ("broken/a.yaml", BROKEN),
        ]))
    }

    /// Standard output with the folder's name taken out.
    fn check(&self, policies: &str, arguments: &[&str]) -> (i32, String) {
        let (policies, jobs) = (self.0.file(policies), self.0.file("jobs"));
        let (code, output) = check(&[&["--policies", &policies, &jobs], arguments].concat(), "");
        (code, output.replace(&format!("{}/", self.0.path()), ""))
    }

    fn denied(&self, format: &str) -> String {
        let (code, output) = self.check("policies", &["--only", "RG203,rule/", "--output", format]);
        assert_eq!(code, 1, "{output}");
        output
    }
}

#[test]
fn full() {
    assert_eq!(
        Trial::new().denied("full"),
        "\
denied   jobs/train.yaml  RayJob mlplatform-production/train-7   0 changes, 1 error, 1 warning
error[RG203]: group `gpu-workers`: memory limit 500Mi is below its request 32Gi, no pod can be created
  --> jobs/train.yaml:21:42
   |
20 |               requests: {cpu: \"8\", memory: 32Gi}
   |                                            ---- needs at least this
21 |               limits: {cpu: \"8\", memory: 500Mi}
   |                                          ^^^^^ containers[ray-worker].resources.limits.memory
   |
   = set limits.memory to at least 32Gi
   = Flyte: WorkerNodeConfig(group_name=\"gpu-workers\", limits=Resources(mem=\"32Gi\"))
   = denied by policies/base.yaml:7:5 `RG203: Deny`   raygate explain RG203
warning[rule/entrypoint]: use python3, 100%: python train.py
 --> jobs/train.yaml:5:15
  |
5 |   entrypoint: python train.py
  |               ^^^^^^^^^^^^^^^ spec.entrypoint
  |
  = warned by rule/entrypoint of policy base at policies/base.yaml:9:11
1 RayJob: 1 denied, 1 with warnings, 0 changed
"
    );
}

#[test]
fn concise() {
    assert_eq!(
        Trial::new().denied("concise"),
        "\
jobs/train.yaml:21:42: error[RG203]: group `gpu-workers`: memory limit 500Mi is below its request 32Gi, no pod can be created
jobs/train.yaml:5:15: warning[rule/entrypoint]: use python3, 100%: python train.py
"
    );
}

#[test]
fn github() {
    let output = Trial::new().denied("github");
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert!(
        lines[0].starts_with(
            "::error file=jobs/train.yaml,line=21,endLine=21,col=42,endColumn=46,title=RG203::group `gpu-workers`: \
             memory limit 500Mi is below its request 32Gi, no pod can be created%0Aset limits.memory"
        ),
        "{output}"
    );
    assert!(
        lines[1].contains("title=rule/entrypoint::use python3, 100%25: python train.py%0A"),
        "{output}"
    );
}

#[test]
fn junit() {
    let output = Trial::new().denied("junit");
    let head = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites tests=\"1\" skipped=\"0\" failures=\"1\" errors=\"0\">
    <testsuite name=\"raygate check\" tests=\"1\" skipped=\"0\" errors=\"0\" failures=\"1\">
        <testcase name=\"mlplatform-production/train-7\" classname=\"jobs/train.yaml\">
            <failure message=\"RG203: group `gpu-workers`: memory limit 500Mi is below its request 32Gi, no pod can be created\">";
    assert!(output.starts_with(head), "{output}");
    assert!(
        output.ends_with("</failure>\n        </testcase>\n    </testsuite>\n</testsuites>\n"),
        "{output}"
    );
    let trial = Trial::new();
    let (code, output) = trial.check("policies", &["--only", "RG1", "--output", "junit"]);
    assert_eq!(code, 1);
    assert!(
        output.contains("<failure message=\"denied by RG203, hidden by --only\""),
        "{output}"
    );
}

/// What the standard demands of a log, so far as raygate writes it (SARIF 2.1.0, section 3).
fn assert_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    assert_eq!(log["runs"].as_array().unwrap().len(), 1);
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(
        (&driver["name"], &run["columnKind"]),
        (&"raygate".into(), &"unicodeCodePoints".into())
    );
    let rules = driver["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "rule ids are unique");
    for rule in rules {
        for text in [
            &rule["shortDescription"]["text"],
            &rule["help"]["text"],
            &rule["help"]["markdown"],
        ] {
            assert!(!text.as_str().unwrap().is_empty(), "{rule}");
        }
        assert!(matches!(
            rule["defaultConfiguration"]["level"].as_str(),
            Some("error" | "warning" | "note")
        ));
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(matches!(result["level"].as_str(), Some("error" | "warning" | "note")));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let fingerprints = result["partialFingerprints"].as_object().unwrap();
        assert!(fingerprints.values().all(Value::is_string));
        let related = result["relatedLocations"].as_array().cloned().unwrap_or_default();
        for location in result["locations"].as_array().unwrap().iter().chain(&related) {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.contains([' ', '\\', '<']), "{uri}");
            let region = &physical["region"];
            let number = |key: &str| region[key].as_u64().unwrap();
            assert!(number("startLine") >= 1 && number("startColumn") >= 1);
            assert!((number("endLine"), number("endColumn")) >= (number("startLine"), number("startColumn")));
        }
    }
}

#[test]
fn sarif() {
    let log: Value = serde_json::from_str(&Trial::new().denied("sarif")).unwrap();
    assert_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(
        (&results[0]["ruleId"], &results[0]["level"]),
        (&"RG203".into(), &"error".into())
    );
    let region = serde_json::json!({"startLine": 21, "startColumn": 42, "endLine": 21, "endColumn": 47});
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"], region);
    let related: Vec<&str> = results[0]["relatedLocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| place["message"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(related, ["needs at least this", "decided by the policy here"]);
    let help = log.pointer("/runs/0/tool/driver/rules/0/help/markdown").unwrap();
    assert!(help.as_str().unwrap().starts_with("# RG203"));
    let everything = check(&["--no-mutate", "--output", "sarif", "tests/rayjobs"], "").1;
    assert_sarif(&serde_json::from_str(&everything).unwrap());
    let spaces = check(&["--no-mutate", "--output", "sarif", "-"], JOB).1;
    assert_sarif(&serde_json::from_str(&spaces).unwrap());
}

#[test]
fn what_is_wrong_with_policies_comes_in_every_format() {
    let trial = Trial::new();
    for format in ["full", "concise", "json", "jsonl", "junit", "sarif", "github"] {
        let (code, output) = trial.check("broken", &["--output", format]);
        assert_eq!(code, 3, "{format}: {output}");
        assert!(output.contains("`spec` has no key"), "{format}: {output}");
        let value = || serde_json::from_str::<Value>(&output).unwrap();
        match format {
            "json" => {
                let found = &value()["diagnostics"][0];
                assert_eq!((&found["file"], &found["line"]), (&"broken/a.yaml".into(), &4.into()));
                assert_eq!(value()["total"], Value::Null);
            }
            "jsonl" => {
                let first: Value = serde_json::from_str(output.lines().next().unwrap()).unwrap();
                assert_eq!(first["diagnostic"]["severity"], "error");
            }
            "sarif" => assert_sarif(&value()),
            "github" => assert!(output.starts_with("::error file=broken/a.yaml,line=4,"), "{output}"),
            "junit" => assert!(output.contains(" errors=\"2\" failures=\"0\">"), "{output}"),
            _ => assert!(output.contains("broken/a.yaml:4:"), "{output}"),
        }
    }
}

/// The keys of JSON as the page writes them, down to objects of other makers.
fn keys(prefix: &str, value: &Value, out: &mut BTreeSet<String>) {
    const OTHERS: &[&str] = &[
        "objects[].object",
        "objects[].patch",
        "objects[].diagnostic",
        "total.skipped",
    ];
    if OTHERS.contains(&prefix) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                keys(&path, value, out);
                out.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(&format!("{prefix}[]"), item, out)),
        _ => {}
    }
}

#[test]
fn the_keys_of_json_are_those_of_the_page() {
    let page = std::fs::read_to_string("docs/check.md").unwrap();
    let documented: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    let input = format!("{JOB}---\nkind: Pod\nx: yes\n---\na: [\n---\n{JOB}");
    let folder = Folder::new(&[("base.yaml", POLICIES), ("next.yaml", NEXT)]);
    let (_, judged) = check(&["--policies", folder.path(), "--output", "json", "-"], &input);
    let (_, shipped) = check(&["--output", "json", SEED], "");
    let mut found = BTreeSet::new();
    for output in [judged, shipped] {
        keys("", &serde_json::from_str(&output).unwrap(), &mut found);
    }
    assert_eq!(found, documented);
}

#[test]
fn without_a_terminal_there_is_no_colour() {
    for arguments in [&["--no-mutate", SEED][..], &["--diff", SEED]] {
        assert!(!check(arguments, "").1.contains('\u{1b}'));
    }
}

#[test]
fn previews_exemptions_and_their_ends_are_shown() {
    let folder = Folder::new(&[("next.yaml", NEXT)]);
    let on = |day: &str| check(&["--policies", folder.path(), "--at", day, "-"], JOB);
    let (code, output) = on("2026-12-01");
    assert!(output.contains("  preview[next] Deny rule/never: never\n"), "{output}");
    assert!(output.contains("(exemption large)"), "{output}");
    assert!(!output.contains("RG507: ") && !output.contains("RP21"), "{output}");
    assert_ne!(code, 3);
    let (_, output) = on("2026-12-30");
    assert!(
        output.contains("warning[RP214]: the last day of the exemption `large` is tomorrow"),
        "{output}"
    );
    let (code, output) = on("2027-01-01");
    assert_eq!(code, 1, "{output}");
    assert!(
        output.contains("warning[RP213]") && output.contains("error[RG507]"),
        "{output}"
    );
}
