//! One request, one judgement: the server, `check`, `explain`, `test` and `scan` say the same of it.
//!
//! The server is asked as an API server asks it: `/mutate`, then the patch is applied, the name completed and the status
//! taken from the stored object, then `/validate`. The other ways get the same objects, as manifests, as recorded reviews and as cases.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::bound::MOST_VALUES;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::engine::decode::{MISMATCH, UNKNOWN_FIELD};
use raygate::engine::preview::OF_KINDS;
use raygate::engine::{Bundle, Decoded, How, Judged, Request, Verdict, admit};
use raygate::facts::Facts;
use raygate::input::request::created_anew;
use raygate::json::Tree;
use raygate::policy::load::Source;
use raygate::policy::settings::Action;
use raygate::ray::Kind;
use raygate::ray::defaults;
use raygate::ray::kind::{self, KINDS, RAY_JOB};
use raygate::suite::{Suite, merge, run};
use raygate::yaml::{self, Limits, Reading};
use serde_json::{Value, json};

/// Names in CEL, a limit, a rule, an exemption and policies in Preview, beside the shipped policy.
const OWN: &str = r#"
apiVersion: raygate.dev/v1beta1
kind: Platform
spec:
  flyte: {serviceAccounts: ['system:serviceaccount:flyte:flytepropeller'], namespace: '{project}-{domain}'}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: own}
spec:
  match: {}
  priority: 10
  limits: {maxGpusPerJob: 2}
  force: {head: {labels: {team: ml}}}
  actions: {RG101: Warn}
  rules:
    - {name: short, require: size(object.metadata.name) < 40, message: the name is long, action: Warn}
    - {name: named, require: has(object.metadata.name), message: no name}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: canary}
spec:
  mode: Preview
  match: {}
  priority: 30
  limits: {maxGpusPerJob: 1}
  actions: {RG101: Deny}
  defaults: {lifecycle: {activeDeadlineSeconds: 600}}
---
apiVersion: raygate.dev/v1beta1
kind: RayPolicy
metadata: {name: later}
spec:
  mode: Preview
  match: {when: job.gpus > 1}
  priority: 40
  limits: {maxGpusPerJob: 0}
---
apiVersion: raygate.dev/v1beta1
kind: Exemption
metadata: {name: hero}
spec: {match: {projects: [mlplatform]}, waive: [RG405], raise: {maxGpusPerJob: 8}, owner: a, reason: b, expires: 2026-12-31}
"#;

const AT: &str = "2026-06-01";

fn now() -> Timestamp {
    format!("{AT}T00:00:00Z").parse().unwrap()
}

/// What is said of a request: the verdict, and each finding with its action, code and path, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    verdict: String,
    findings: Vec<String>,
}

impl Said {
    fn of(verdict: Verdict, findings: &[Judged]) -> Said {
        let finding = |one: &Judged| format!("{} {} {}", one.action.name(), one.code(), one.finding.path);
        Said {
            verdict: match verdict {
                Verdict::Allow => "allowed",
                Verdict::Deny => "denied",
                Verdict::Retry => "retry",
            }
            .to_owned(),
            findings: findings.iter().map(finding).collect(),
        }
    }

    /// Without the paths, which `raygate explain` leaves out.
    fn without_paths(&self) -> Said {
        let short = |finding: &String| finding.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
        Said {
            verdict: self.verdict.clone(),
            findings: self.findings.iter().map(short).collect(),
        }
    }
}

/// A request: an object with the defaults of its CRD, and on an update the object as it was.
#[derive(Clone)]
struct Asked {
    title: String,
    object: Value,
    old: Option<Value>,
    /// What is known of the cluster: what a file with facts has below `kinds`.
    facts: Value,
}

impl Asked {
    fn create(title: impl Into<String>, object: Value) -> Asked {
        let mut tree = Tree::of(&object).unwrap();
        defaults::apply(&mut tree);
        Asked {
            title: title.into(),
            object: tree.root().to_value(),
            old: None,
            facts: json!({}),
        }
    }

    fn known(&self) -> Arc<Facts> {
        let tree = Tree::of(&self.facts).unwrap();
        Arc::new(Facts::of_kinds(tree.root()).unwrap().timeless())
    }

    fn namespace(&self) -> &str {
        self.object["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    fn kind(&self) -> &'static Kind {
        self.object["kind"].as_str().and_then(kind::named).unwrap()
    }

    fn review(&self, object: &Value, user: &str) -> Value {
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "u",
                "kind": {"group": "ray.io", "version": "v1", "kind": self.kind().name},
                "resource": {"group": "ray.io", "version": "v1", "resource": self.kind().resource},
                "name": object["metadata"]["name"].as_str(),
                "namespace": self.namespace(),
                "operation": if self.old.is_some() { "UPDATE" } else { "CREATE" },
                "userInfo": {"username": user},
                "object": object,
                "oldObject": self.old,
            },
        })
    }
}

fn loaded(sources: &[Source]) -> Bundle {
    let loaded = raygate::policy::load(sources, &known());
    let errors: Vec<String> = loaded.diagnostics.iter().map(|d| d.concise(&loaded.sources)).collect();
    assert!(loaded.is_usable(), "{errors:#?}");
    Bundle::new(loaded.set)
}

/// What `/mutate` makes of an object.
fn mutated(gate: &Gate, asked: &Asked, user: &str) -> Value {
    let review = asked.review(&asked.object, user).to_string();
    let answer = gate.answer(Endpoint::Mutate, review.as_bytes(), now());
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{}: {text}", asked.title);
    let body: Value = serde_json::from_str(&text).unwrap();
    let mut object = asked.object.clone();
    if let Some(patch) = body["response"]["patch"].as_str() {
        let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
        json_patch::patch(
            &mut object,
            &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
        )
        .unwrap();
    }
    object
}

fn likely_user(bundle: &Bundle, object: &Value) -> String {
    bundle.likely_user(Tree::of(object).unwrap().root()).to_owned()
}

/// What the server says of a request.
fn server(gate: &Gate, asked: &Asked, user: &str) -> Said {
    let mut named = Tree::of(&mutated(gate, asked, user)).unwrap();
    defaults::complete_name(&mut named);
    let mut object = named.root().to_value();
    let status = asked.old.as_ref().map_or(&Value::Null, |old| &old["status"]);
    match status {
        Value::Null => object.as_object_mut().unwrap().remove("status"),
        status => object
            .as_object_mut()
            .unwrap()
            .insert("status".to_owned(), status.clone()),
    };
    let review = asked.review(&object, user).to_string();
    let answer = gate.answer(Endpoint::Validate, review.as_bytes(), now());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let response = &body["response"];
    let findings = match response["auditAnnotations"]["findings"].as_str() {
        Some(findings) => {
            let words = |finding: &str| finding.split(" by exemption ").next().unwrap().to_owned();
            findings.split("; ").map(words).collect()
        }
        None => response["status"]["details"]["causes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|cause| {
                format!(
                    "Deny {} {}",
                    cause["reason"].as_str().unwrap(),
                    cause["field"].as_str().unwrap_or("")
                )
            })
            .collect(),
    };
    Said {
        verdict: answer.record.verdict.to_owned(),
        findings,
    }
}

/// What the runner of tests says of a request, as a case beside policies.
fn case(bundle: &Bundle, asked: &Asked, user: &str) -> Said {
    let object = asked.object.to_string().into_bytes();
    let old = asked.old.as_ref().map(|old| old.to_string().into_bytes());
    let mut request = json!({"namespace": asked.namespace(), "at": AT});
    if !user.is_empty() {
        request["user"] = user.into();
    }
    if old.is_some() {
        request["operation"] = "UPDATE".into();
        request["old"] = json!({"from": "old"});
    }
    let text = json!({"name": asked.title, "from": "object", "request": request, "facts": asked.facts,
        "want": {"verdict": "Allow"}})
    .to_string();
    let read = |file: &str| match file {
        "object" => Ok(object.clone()),
        _ => Ok(old.clone().unwrap()),
    };
    let suite = Suite::load(&[Source::new("a.test.yaml", &text)], &read);
    let case = suite
        .cases()
        .next()
        .unwrap_or_else(|| panic!("{:?}", suite.files[0].diagnostics));
    let ran = run::run(case, bundle);
    Said::of(ran.verdict, &ran.findings)
}

/// Compares the server, a case and, for a creation, a scan. What `check` says of the same request also has what the API
/// server says itself.
fn compare(bundle: &Bundle, gate: &Gate, asked: &Asked) -> Said {
    gate.set_facts(asked.known());
    let user = likely_user(bundle, &asked.object);
    let title = &asked.title;
    let mut of_case = case(bundle, asked, &user);
    let whole = of_case.clone();
    let says = |said: &Said, code: &str| said.findings.iter().any(|finding| finding.contains(code));
    if says(&of_case, MISMATCH.code) {
        // The API server rejects it itself.
        return of_case;
    }
    // It drops what the CRD does not have before it asks.
    let mut object = Tree::of(&asked.object).unwrap();
    if says(&of_case, UNKNOWN_FIELD.code) {
        Decoded::of(bundle, &mut object);
        of_case.findings.retain(|finding| !finding.contains(UNKNOWN_FIELD.code));
    }
    let asked = &Asked {
        object: object.root().to_value(),
        ..asked.clone()
    };
    let said = server(gate, asked, &user);
    assert_eq!(of_case, said, "{title}: test and server");
    if asked.old.is_none() {
        let mut live = asked.object.clone();
        live["status"] = json!({"jobStatus": "RUNNING", "rayClusterName": "a"});
        let request = Request {
            facts: asked.known(),
            ..created_anew(bundle, Tree::of(&live).unwrap(), now())
        };
        let outcome = admit(bundle, request, How::Both);
        assert_eq!(
            Said::of(outcome.verdict, &outcome.findings),
            said,
            "{title}: scan and server"
        );
    }
    // A recorded review has what the API server has left.
    if asked.old.is_none() { whole } else { said }
}

fn raygate(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .args(arguments)
        .args(["--at", AT])
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    assert!(code < 2, "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn check(arguments: &[&str]) -> Vec<Said> {
    let text = raygate(&[&["check", "--output", "jsonl"], arguments].concat());
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let finding = |one: &Value| [&one["action"], &one["code"], &one["path"]].map(word).join(" ");
            Said {
                verdict: if line["allowed"] == true { "allowed" } else { "denied" }.to_owned(),
                findings: line["findings"]
                    .as_array()
                    .unwrap_or_else(|| panic!("{line}"))
                    .iter()
                    .map(finding)
                    .collect(),
            }
        })
        .collect()
}

fn explain(arguments: &[&str]) -> Vec<Said> {
    let text = raygate(&[&["explain"], arguments].concat());
    let text = format!("\n{text}");
    let said = |page: &str| {
        let checks = page.split("\nchecks and rules\n").nth(1).unwrap();
        let checks = checks.split("\n\n").next().unwrap();
        let finding = |line: &str| {
            let mut words = line.split_whitespace();
            let (word, code) = (words.next()?, words.next()?);
            let action = ["Deny", "Warn", "Audit"]
                .into_iter()
                .find(|action| action.to_lowercase() == word)?;
            Some(format!("{action} {code}"))
        };
        let last = page.trim_end().lines().last().unwrap();
        Said {
            verdict: last.split(", with ").next().unwrap().to_owned(),
            findings: checks.lines().filter_map(finding).collect(),
        }
    };
    let pages = KINDS.iter().fold(text, |text, kind| {
        text.replace(&format!("\n{} ", kind.name), "\n\u{0} ")
    });
    pages.split("\n\u{0} ").skip(1).map(said).collect()
}

fn read(path: &Path) -> Value {
    let mut sources = raygate::diag::Sources::new();
    let bytes = fs::read(path).unwrap();
    let (_, nodes, _) = yaml::read(&mut sources, "a", &bytes, Reading::Kubectl, &Limits::manifests());
    nodes[0].to_json()
}

fn below(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension != "rs"))
        .collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), read(path))).collect()
}

fn seeds() -> Vec<(String, Value)> {
    let seeds = below("tests/rayjobs");
    assert_eq!(seeds.len(), 10);
    seeds
}

/// The objects of the cases of every check.
fn cases() -> Vec<(String, Value, Value)> {
    let base = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks/base.yaml"));
    let (seeds, mut all) = (seeds(), Vec::new());
    for (file, cases) in below("tests/checks") {
        for case in cases.as_array().into_iter().flatten() {
            let seed = |name: &str| seeds.iter().find(|(seed, _)| seed == name).unwrap().1.clone();
            let rayjob = case["from"].as_str().map_or_else(|| base.clone(), seed);
            let set = case.get("set").cloned().unwrap_or_else(|| json!({}));
            let kind = set["kind"].as_str().and_then(kind::named).unwrap_or(&RAY_JOB);
            let mut object = kind.from_job(Tree::of(&rayjob).unwrap().root());
            merge(&mut object, set);
            let title = format!("{file}: {}", case["name"].as_str().unwrap());
            all.push((title, object, case.clone()));
        }
    }
    assert!(all.len() > 200);
    all
}

/// The same object without a name, for which the API server makes one.
fn generated(mut object: Value, base: &str) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("name");
    metadata.insert("generateName".to_owned(), base.into());
    object
}

/// So many values in a list, which is one more.
fn with_values(mut object: Value, count: usize) -> Value {
    let group = &mut object["spec"]["rayClusterSpec"]["workerGroupSpecs"][0];
    group["scaleStrategy"] = json!({"workersToDelete": vec!["worker"; count]});
    object
}

fn values(object: &Value) -> usize {
    match object {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// The RayJobs as they are, under generated names, too large, and larger than they may be once they are completed.
fn creations() -> Vec<Asked> {
    let mut asked = Vec::new();
    for (name, seed) in seeds() {
        for (kind, base) in [
            ("short", "train-"),
            ("long", "a-name-that-is-far-too-long-for-kuberay-"),
        ] {
            let title = format!("{name}, a {kind} generated name");
            asked.push(Asked::create(title, generated(seed.clone(), base)));
        }
        asked.push(Asked::create(name, seed));
    }
    let seed = seeds().remove(0).1;
    asked.push(Asked::create("too large", with_values(seed.clone(), MOST_VALUES)));
    let mut full = Asked::create("too large once it is completed", seed);
    let count = MOST_VALUES - values(&full.object) - 1;
    full.object = with_values(full.object, count);
    assert_eq!(values(&full.object), MOST_VALUES);
    asked.push(full);
    asked
}

/// Updates of what the server stored: nothing, a suspension, a resume, an edit that adds a finding, a deletion of the
/// deadline, and one whose old object is too large.
fn updates(gate: &Gate, bundle: &Bundle) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (name, seed) in seeds() {
        let create = Asked::create("stored", seed.clone());
        let stored = mutated(gate, &create, &likely_user(bundle, &seed));
        let mut update = |title: &str, old: &Value, change: &dyn Fn(&mut Value)| {
            let mut object = old.clone();
            change(&mut object);
            asked.push(Asked {
                title: format!("{name}, {title}"),
                object,
                old: Some(old.clone()),
                facts: json!({}),
            });
        };
        update("nothing changes", &stored, &|_| {});
        update("a suspension", &stored, &|object| {
            object["spec"]["suspend"] = true.into()
        });
        let mut suspended = stored.clone();
        suspended["spec"]["suspend"] = true.into();
        update("a resume", &suspended, &|object| {
            object["spec"]["suspend"] = false.into()
        });
        update("two groups of one name", &stored, &|object| {
            let groups = object["spec"]["rayClusterSpec"]["workerGroupSpecs"]
                .as_array_mut()
                .unwrap();
            let first = groups[0].clone();
            groups.push(first);
        });
        update("no deadline", &stored, &|object| {
            object["spec"].as_object_mut().unwrap().remove("activeDeadlineSeconds");
        });
        update("the forced label is gone", &stored, &|object| {
            let template = &mut object["spec"]["rayClusterSpec"]["headGroupSpec"]["template"];
            template["metadata"]["labels"] = json!({"team": "other"});
        });
        let mut running = stored.clone();
        running["status"] = json!({"jobStatus": "RUNNING", "rayClusterName": "a", "jobDeploymentStatus": "Running"});
        update("another submission mode", &running, &|object| {
            object.as_object_mut().unwrap().remove("status");
            object["spec"]["submissionMode"] = "InteractiveMode".into();
        });
        if name.starts_with("seed-01") {
            let large = with_values(stored.clone(), MOST_VALUES);
            update("the old object is too large", &large, &|object| {
                *object = stored.clone()
            });
        }
    }
    asked
}

#[test]
fn every_way_says_the_same_of_a_request() {
    let policies = [Source::new("a.yaml", EMBEDDED[0].1), Source::new("b.yaml", OWN)];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (number, sources) in [&policies[..1], &policies[..]].into_iter().enumerate() {
        let directory = path(&number.to_string());
        fs::create_dir(&directory).unwrap();
        for source in sources {
            fs::write(Path::new(&directory).join(&source.name), &source.bytes).unwrap();
        }
        let gate = Gate::new(loaded(sources));
        let bundle = gate.bundle();
        let of_checks = cases().into_iter().skip(number).step_by(2);
        let of_checks = of_checks.map(|(title, object, _)| Asked::create(title, object));
        let created: Vec<Asked> = creations().into_iter().chain(of_checks).collect();
        let updated = updates(&gate, &bundle);
        let (mut manifests, mut reviews) = (String::new(), String::new());
        for asked in &created {
            writeln!(manifests, "{}", asked.object).unwrap();
        }
        for asked in &updated {
            let user = likely_user(&bundle, &asked.object);
            writeln!(reviews, "{}", asked.review(&asked.object, &user)).unwrap();
        }
        let expected: Vec<Said> = created
            .iter()
            .chain(&updated)
            .map(|asked| compare(&bundle, &gate, asked))
            .collect();
        for verdict in ["allowed", "denied"] {
            assert!(
                expected.iter().any(|said| said.verdict == verdict),
                "no request is {verdict}"
            );
        }
        assert!(expected.iter().any(|said| said.findings == ["Deny RG001 "]));
        let expected = expected.split_at(created.len());
        for (name, text, asked, expected) in [
            ("manifests.jsonl", manifests, &created, expected.0),
            ("reviews.jsonl", reviews, &updated, expected.1),
        ] {
            fs::write(path(name), text).unwrap();
            let arguments = [&*path(name), "--policies", &directory];
            let (checked, explained) = (check(&arguments), explain(&arguments));
            assert_eq!((checked.len(), explained.len()), (asked.len(), asked.len()));
            for (position, asked) in asked.iter().enumerate() {
                let (title, expected) = (&asked.title, &expected[position]);
                assert_eq!(&checked[position], expected, "{title}: check and server");
                assert_eq!(
                    explained[position],
                    expected.without_paths(),
                    "{title}: explain and server"
                );
            }
        }
    }
}

/// An audit log has no old object: `check` and `explain` judge the new one as it is, and so does `check --no-mutate`.
#[test]
fn what_is_judged_as_it_is_is_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (mut manifests, mut events) = (String::new(), String::new());
    for (position, asked) in creations().iter().enumerate() {
        let event = json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Event", "level": "Request", "auditID": position.to_string(),
            "stage": "ResponseComplete", "verb": "update", "requestObject": asked.object,
            "objectRef": {"resource": asked.kind().resource, "namespace": asked.namespace()},
        });
        writeln!(events, "{event}").unwrap();
        writeln!(manifests, "{}", asked.object).unwrap();
    }
    let (manifests, events) = (file("manifests.jsonl", &manifests), file("events.jsonl", &events));
    let expected = check(&[&manifests, "--no-mutate"]);
    assert!(expected.iter().any(|said| said.verdict == "denied"));
    assert_eq!(check(&[&events]), expected);
    let expected: Vec<Said> = expected.iter().map(Said::without_paths).collect();
    assert_eq!(explain(&[&events]), expected);
}

/// The cases of the checks under their own policies, platform and KubeRay.
#[test]
fn the_cases_of_the_checks_come_out_the_same_under_their_own_policies() {
    let shipped = EMBEDDED[0].1.split("\n---\n").nth(1).unwrap();
    for (title, object, case) in cases() {
        let part = |key: &str| case.get(key).cloned().unwrap_or_else(|| json!({}));
        let mut platform = json!({"kuberay": {"featureGates": {}}, "accelerators": {"nvidia": {
            "resource": "nvidia.com/gpu",
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        }}});
        merge(&mut platform["kuberay"]["featureGates"], part("gates"));
        if let Some(version) = case.get("kuberay").filter(|version| *version != "unnamed") {
            platform["kuberay"]["version"] = version.clone();
        }
        merge(&mut platform, part("platform"));
        let mut policy = json!({"match": {}, "priority": 1});
        merge(&mut policy, part("policy"));
        let document = |kind: &str, spec: Value| {
            let mut document = json!({"apiVersion": "raygate.dev/v1beta1", "kind": kind, "spec": spec});
            if kind == "RayPolicy" {
                document["metadata"] = json!({"name": "case"});
            }
            document.to_string()
        };
        let sources = [
            Source::new("a", &document("Platform", platform)),
            Source::new("b", shipped),
            Source::new("c", &document("RayPolicy", policy)),
        ];
        let gate = Gate::new(loaded(&sources));
        let bundle = gate.bundle();
        let named = Asked::create(title.clone(), object.clone());
        let unnamed = Asked::create(format!("{title}, a generated name"), generated(object, "train-"));
        for mut asked in [named, unnamed] {
            asked.facts = part("facts");
            compare(&bundle, &gate, &asked);
        }
    }
}

/// A kind that the Platform lists under `preview` is stored as it came, and the others are judged.
#[test]
fn a_kind_in_preview_is_neither_changed_nor_denied() {
    let platform = "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec: {preview: [RayCluster, RayCronJob]}\n";
    let mut sources: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
    sources.push(Source::new("platform.yaml", platform));
    let loaded = raygate::policy::load(&sources, &known());
    assert!(loaded.is_usable(), "{:?}", loaded.diagnostics);
    let bundle = Bundle::new(loaded.set);
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-02-heterogeneous-groups.json");
    let job: Value = serde_json::from_str(&fs::read_to_string(seed).unwrap()).unwrap();
    for kind in KINDS {
        let mut job = job.clone();
        let groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
            .as_array_mut()
            .unwrap();
        groups.push(groups[0].clone());
        let mut object = Tree::of(&kind.from_job(Tree::of(&job).unwrap().root())).unwrap();
        defaults::apply(&mut object);
        let of = |how| admit(&bundle, created_anew(&bundle, object.clone(), now()), how);
        let (asked, enforced) = (of(How::Both), of(How::Enforced));
        assert_eq!(enforced.verdict, Verdict::Deny, "{}", kind.name);
        assert!(
            !enforced.changes.is_empty() && enforced.previews.is_empty(),
            "{}",
            kind.name
        );
        if !["RayCluster", "RayCronJob"].contains(&kind.name) {
            assert_eq!(asked.verdict, Verdict::Deny, "{}", kind.name);
            continue;
        }
        assert_eq!(asked.verdict, Verdict::Allow, "{}", kind.name);
        assert!(asked.changes.is_empty() && asked.findings.is_empty(), "{}", kind.name);
        assert!(!asked.document.is_changed(), "{}", kind.name);
        let [preview] = &asked.previews[..] else {
            panic!("{}: {:?}", kind.name, asked.previews)
        };
        assert_eq!(&*preview.policy, OF_KINDS);
        let would = |effect: &str| preview.would.iter().filter(|one| one.effect.name() == effect).count();
        assert_eq!(would("Change"), enforced.changes.len(), "{}", kind.name);
        let denials = enforced
            .findings
            .iter()
            .filter(|judged| judged.action == Action::Deny)
            .count();
        assert_eq!(would("Deny"), denials, "{}", kind.name);
    }
}
