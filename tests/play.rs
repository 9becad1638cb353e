//! `raygate play`: its questions over HTTP, and its page in headless Chromium.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "play/browser.rs"]
mod browser;
#[path = "play/page.rs"]
mod page;
#[path = "play/served.rs"]
mod served;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use served::Played;

const BAD_POLICY: &str = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: mine}\nspec:\n  match: {}\n  limits:\n    maxGpuPerJob: 2\n";
const CAPS: &str = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: caps}\nspec:\n  match: {}\n  priority: 10\n  limits:\n    maxGpusPerJob: 2\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `build.mjs` writes the digest of the sources beside what it made of them, so that no Node is needed to see a stale one.
#[test]
fn the_built_page_is_that_of_its_sources() {
    let web = root().join("web");
    let mut names: Vec<String> = fs::read_dir(web.join("src"))
        .unwrap()
        .map(|entry| format!("src/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    names.extend(["build.mjs", "package.json", "package-lock.json"].map(str::to_owned));
    names.sort();
    let mut digest = Sha256::new();
    for name in names {
        let text = fs::read(web.join(&name)).unwrap();
        digest.update(format!("{name} {}\n", text.len()));
        digest.update(text);
    }
    let sources: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let built = fs::read_to_string(web.join("dist/sources.sha256")).unwrap();
    assert_eq!(
        built.trim(),
        sources,
        "web/dist is stale: npm ci && npm run build in web/"
    );
}

/// Every package in the bundle is named with its licence.
#[test]
fn the_notices_name_every_package_of_the_page() {
    let notices = fs::read_to_string(root().join("web/dist/notices.txt")).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(root().join("web/package.json")).unwrap()).unwrap();
    for (name, version) in manifest["dependencies"].as_object().unwrap() {
        let version = version.as_str().unwrap();
        assert!(version.chars().next().unwrap().is_ascii_digit(), "{name} is not pinned");
        assert!(notices.contains(&format!("{name} {version} (")), "{name} has no notice");
    }
    assert_eq!(Played::start(&[]).get("/notices.txt").body, notices);
}

#[test]
fn the_page_may_load_nothing_from_elsewhere() {
    let played = Played::start(&[]);
    let page = played.get("/");
    assert_eq!(page.status, 200);
    let policy = page
        .head
        .lines()
        .find_map(|line| line.strip_prefix("content-security-policy: "))
        .unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"),
        "{policy}"
    );
    for forbidden in ["unsafe", "http:", "https:", "data:", "*"] {
        assert!(!policy.contains(forbidden), "{policy}");
    }
    assert!(!page.body.contains("{{"));
    assert!(
        !page.body.contains(" style=") && !page.body.contains("<script>"),
        "inline"
    );
    for name in ["app.js", "app.css", "icon.svg", "notices.txt"] {
        let file = played.get(&format!("/{name}"));
        assert_eq!(file.status, 200, "{name}");
        assert!(file.head.contains("x-content-type-options: nosniff"));
        assert!(file.head.contains("cross-origin-resource-policy: same-origin"));
    }
    assert_eq!(played.get("/other").status, 404);
    assert_eq!(played.get("/..%2fCargo.toml").status, 404);
    // Two loads have two nonces.
    assert_ne!(played.get("/").head, page.head);
}

#[test]
fn other_sites_cannot_ask() {
    let played = Played::start(&[]);
    let ask = |headers: &[(&str, &str)]| played.post("start", "{}", headers);
    assert_eq!(ask(&[]).status, 200);
    let other = Played::start(&[]);
    let refused: &[(u16, &[(&str, &str)])] = &[
        (403, &[("x-raygate-token", "")]),
        (403, &[("x-raygate-token", &other.token)]),
        (403, &[("origin", "http://evil.example")]),
        (403, &[("origin", "null")]),
        (403, &[("origin", &format!("http://{}", other.address))]),
        (403, &[("sec-fetch-site", "cross-site")]),
        (403, &[("sec-fetch-site", "same-site")]),
        (415, &[("content-type", "text/plain")]),
        (415, &[("content-type", "")]),
        (421, &[("host", "evil.example")]),
        (
            421,
            &[(
                "host",
                &format!("evil.example:{}", played.address.split(':').nth(1).unwrap()),
            )],
        ),
    ];
    for (status, headers) in refused {
        let answer = ask(headers);
        assert_eq!(answer.status, *status, "{headers:?}");
        assert!(!answer.body.contains("apiVersion"), "{headers:?}");
        assert!(!answer.head.contains("access-control-allow"), "{headers:?}");
    }
    let rebound = played.send(b"GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert_eq!(rebound.status, 421);
    assert!(!rebound.body.contains(&played.token));
    let navigated = played.send(
        format!(
            "GET /api/start HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            played.address
        )
        .as_bytes(),
    );
    assert_eq!(navigated.status, 403);
    assert_eq!(
        ask(&[("origin", ""), ("sec-fetch-site", "")]).status,
        200,
        "a client that is no browser"
    );
}

#[test]
fn hostile_questions_are_answered() {
    let played = Played::start(&[]);
    let bodies = [
        ("evaluate", "", 400),
        ("evaluate", "[", 400),
        ("evaluate", "{}", 422),
        ("evaluate", r#"{"state": {"object": 1}}"#, 422),
        ("evaluate", r#"{"state": {"unknown": ""}}"#, 422),
        ("evaluate", r#"{"state": {"date": "yesterday"}}"#, 422),
        ("evaluate", r#"{"state": {"kuberay": "9.9"}}"#, 422),
        (
            "evaluate",
            r#"{"state": {"policies": [{"name": "a"}, {"name": "a"}]}}"#,
            422,
        ),
        ("evaluate", r#"{"state": {"policies": [{"name": "facts"}]}}"#, 422),
        ("repair", r#"{"state": {}, "code": "RG203"}"#, 422),
        ("repair", r#"{"state": {}, "code": "RG501"}"#, 422),
        ("test-case", r#"{"state": {}}"#, 422),
        ("explain", r#"{"topic": "nothing"}"#, 422),
        ("schema/other", "{}", 404),
        ("nothing", "{}", 404),
    ];
    for (question, body, status) in bodies {
        let answer = played.post(question, body, &[]);
        assert_eq!(answer.status, status, "{question} {body}: {}", answer.body);
    }
    let large = format!("{{\"state\": {{\"object\": \"{}\"}}}}", "x".repeat(17 << 20));
    assert_eq!(played.post("evaluate", &large, &[]).status, 413);
    for object in [
        "\u{0}",
        "{",
        "a: [",
        "---\n---\n",
        "&a [*a]",
        &"[".repeat(100_000),
        &"- ".repeat(100_000),
    ] {
        let answer = played.ask("evaluate", &json!({"state": {"object": object}}));
        assert_eq!(answer["objects"], json!([]), "{object:?}");
    }
}

/// The page says what `check --output json` says.
#[test]
fn an_answer_is_that_of_check() {
    let played = Played::start(&[]);
    let start = played.ask("start", &json!({}));
    let policies = &start["state"]["policies"];
    let mut examples = 0;
    for entry in fs::read_dir(root().join("tests/rayjobs")).unwrap() {
        let path = entry.unwrap().path();
        let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
            .args(["check", "--output", "json", "--fail-on", "never", "--at", "2026-11-26"])
            .arg(&path)
            .env_remove("RAYGATE_POLICIES")
            .output()
            .unwrap();
        let check: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let state = json!({"object": text, "policies": policies, "date": "2026-11-26"});
        let answer = played.ask("evaluate", &json!({"state": state}));
        for key in [
            "verdict",
            "policies",
            "patch",
            "object",
            "warnings",
            "previews",
            "operation",
        ] {
            assert_eq!(
                answer["objects"][0][key],
                check["objects"][0][key],
                "{key} of {}",
                path.display()
            );
        }
        let findings = |object: &Value| {
            let findings = object["findings"].as_array().unwrap();
            let keys = [
                "code",
                "action",
                "path",
                "message",
                "fix",
                "flyte",
                "line",
                "column",
                "end_line",
                "end_column",
            ];
            let of = |finding: &Value| keys.map(|key| finding[key].clone());
            findings.iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(
            findings(&answer["objects"][0]),
            findings(&check["objects"][0]),
            "{}",
            path.display()
        );
        examples += 1;
    }
    assert_eq!(examples, 10);
}

/// What the author is answered, by the words of whoever answers.
#[test]
fn the_answer_is_in_the_words_of_who_gives_it() {
    let played = Played::start(&[]);
    let reply = |text: &str| {
        let answer = played.ask("evaluate", &json!({"state": {"object": text}}));
        answer["objects"][0]["answer"].clone()
    };
    let twice = fs::read_to_string(root().join("docs/examples/1-rejected.yaml")).unwrap();
    let denied = reply(&twice);
    let text = denied["message"].as_str().unwrap();
    assert!(
        text.starts_with("admission webhook \"rayjob.raygate.dev\" denied the request: worker group name"),
        "{text}"
    );
    assert_eq!(
        (&denied["code"], &denied["console"]),
        (&json!(403), &json!("Flyte console"))
    );
    let unfit = reply(&twice.replace("replicas: 4", "replicas: four"));
    let text = unfit["message"].as_str().unwrap();
    assert!(
        text.starts_with(
            "RayJob.ray.io \"batch-inference\" is invalid: spec.rayClusterSpec.workerGroupSpecs[1].replicas: "
        ),
        "{text}"
    );
    assert_eq!(
        (&unfit["code"], &unfit["reason"], &unfit["own_words"]),
        (&json!(422), &json!("Invalid"), &json!(false))
    );
    let allowed = reply(&fs::read_to_string(root().join("docs/examples/3-completed.yaml")).unwrap());
    assert_eq!((&allowed["code"], &allowed["message"]), (&json!(200), &Value::Null));
}

#[test]
fn mistakes_in_policies_and_facts_are_shown_where_they_are() {
    let played = Played::start(&[]);
    let object = played.state()["object"].clone();
    let policies = json!([{"name": "mine.yaml", "text": BAD_POLICY}]);
    let answer = played.ask(
        "evaluate",
        &json!({"state": {"object": object, "policies": policies, "facts": "kinds: [\n"}}),
    );
    assert_eq!(answer["usable"], false);
    let found = &answer["diagnostics"]["policies"][0];
    assert_eq!(
        (&found["file"], &found["line"], &found["column"]),
        (&json!("mine.yaml"), &json!(7), &json!(5))
    );
    assert_eq!(found["help"], json!(["did you mean `maxGpusPerJob`?"]));
    assert!(answer["diagnostics"]["facts"][0]["line"].is_number());
    let answer = played.ask(
        "evaluate",
        &json!({"state": {"object": object, "facts": "kind: Other"}}),
    );
    assert_eq!(answer["usable"], true);
    assert_eq!(answer["diagnostics"]["facts"][0]["line"], 1);
    assert_eq!(
        answer["objects"].as_array().unwrap().len(),
        1,
        "broken facts cost only findings"
    );
}

#[test]
fn an_update_needs_the_object_as_it_is() {
    let played = Played::start(&[]);
    let mut state = played.state();
    state["operation"] = "UPDATE".into();
    let answer = played.ask("evaluate", &json!({"state": state}));
    assert_eq!(answer["objects"], json!([]));
    assert!(
        answer["diagnostics"]["old"][0]["message"]
            .as_str()
            .unwrap()
            .contains("as it is")
    );
    state["old"] = state["object"].clone();
    let answer = played.ask("evaluate", &json!({"state": state}));
    assert_eq!(answer["objects"][0]["operation"], "UPDATE");
    assert_eq!(answer["objects"][0]["verdict"], "allowed");
}

/// A repair is the edits of one check, whatever the policies do with its findings, and mends what it found.
#[test]
fn a_repair_mends_what_its_check_finds() {
    let played = Played::start(&[]);
    let start = played.ask("start", &json!({}));
    let warn = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: w}\nspec:\n  match: {}\n  actions: {RG203: Deny}\n";
    let state = json!({"object": start["state"]["object"], "policies": [{"name": "w.yaml", "text": warn}]});
    let found = |state: &Value| {
        let answer = played.ask("evaluate", &json!({"state": state}));
        let findings = answer["objects"][0]["findings"].as_array().unwrap().clone();
        findings
            .iter()
            .filter(|one| one["code"] == "RG203")
            .cloned()
            .collect::<Vec<Value>>()
    };
    let before = found(&state);
    assert!(!before.is_empty() && before[0]["fixable"] == true);
    let answer = played.ask("repair", &json!({"state": state, "code": "RG203", "index": 0}));
    let patch: json_patch::Patch = serde_json::from_value(answer["patch"].clone()).unwrap();
    assert!(!answer.to_string().contains("raygate.dev"), "{answer}");
    assert!(
        patch
            .iter()
            .all(|operation| operation.path().to_string().contains("/resources")),
        "{answer}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(["sample"])
        .output()
        .unwrap();
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut object = review["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).unwrap();
    assert_eq!(
        found(&json!({"object": object.to_string(), "policies": state["policies"]})),
        Vec::<Value>::new()
    );
}

/// `raygate test` runs what "save as test case" gives, also with facts and as an update.
#[test]
fn a_saved_test_case_passes() {
    let played = Played::start(&[]);
    let start = played.ask("start", &json!({}));
    let object = &start["state"]["object"];
    let policies = json!([{"name": "caps.yaml", "text": CAPS}]);
    let states = [
        json!({"object": object, "policies": policies}),
        json!({"object": object, "policies": policies, "facts": start["facts"], "date": "2026-11-26T10:00:00Z"}),
        json!({"object": object, "old": object, "policies": policies, "operation": "UPDATE", "user": "someone"}),
    ];
    for state in states {
        let folder = TempDir::new().unwrap();
        let answer = played.ask(
            "test-case",
            &json!({"state": state, "name": "a: \"name\" # with signs"}),
        );
        fs::write(folder.path().join("caps.yaml"), CAPS).unwrap();
        fs::write(folder.path().join("saved.test.yaml"), answer["text"].as_str().unwrap()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
            .arg("test")
            .arg(folder.path())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}\n{answer}");
    }
}

#[test]
fn schemas_complete_what_a_release_has() {
    let played = Played::start(&[]);
    let kinds = |release: &str| {
        let schema = played.ask("schema/ray", &json!({"kuberay": release}));
        let kinds = schema["kinds"].as_object().unwrap().clone();
        for root in kinds.values() {
            assert!(schema["$defs"][root.as_str().unwrap()]["properties"]["spec"].is_object());
        }
        kinds.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(kinds("1.4"), ["RayCluster", "RayJob", "RayService"]);
    assert_eq!(kinds(""), ["RayCluster", "RayCronJob", "RayJob", "RayService"]);
    let policy = played.ask("schema/policy", &json!({}));
    let docs: Value = serde_json::from_slice(&fs::read(root().join("docs/policy.schema.json")).unwrap()).unwrap();
    assert_eq!(policy, docs);
}

#[test]
fn the_page_begins_with_what_the_command_is_given() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("caps.yaml"), CAPS).unwrap();
    fs::write(folder.path().join("facts"), "kind: List\nitems: []\n").unwrap();
    let facts = folder.path().join("facts");
    let policies = folder.path().to_str().unwrap();
    let played = Played::start(&[
        "docs/examples/1-rejected.yaml",
        "--policies",
        policies,
        "--facts",
        facts.to_str().unwrap(),
    ]);
    let state = played.state();
    assert!(state["object"].as_str().unwrap().starts_with("# Two worker groups"));
    assert_eq!(state["policies"][0]["text"], CAPS);
    assert_eq!(state["facts"], "kind: List\nitems: []\n");
    let port = played.address.split(':').nth(1).unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(["play", "--port", port])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(second.stderr).unwrap(),
        format!("error: port {port} is in use; --port 0 takes a free one\n")
    );
}

/// An open page, which keeps its connection, does not hold up Ctrl-C.
#[test]
fn an_interrupt_ends_it() {
    let mut played = Played::start(&[]);
    let open = std::net::TcpStream::connect(&played.address).unwrap();
    assert!(played.interrupt().success());
    drop(open);
}
