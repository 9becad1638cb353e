//! Items 53 to 57: policy files that are broken, hostile, or want out.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::binary::{Raygate, create, raygate, shared};
use crate::jobs::{assert_denied, judged, mutated, seed, with};
use crate::process::wait_for;

const HEAD: &str = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: p}\nspec:\n  match: {}\n";

/// What `raygate check` says of a directory with this policy file: its exit code and its words.
fn checked(bytes: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("create a folder");
    fs::write(folder.path().join("p.yaml"), bytes).expect("write a policy");
    checked_folder(folder.path())
}

fn checked_folder(folder: &Path) -> (Option<i32>, String) {
    let output = raygate()
        .args(["check", "--policies"])
        .arg(folder)
        .output()
        .expect("run raygate check");
    let words = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(words).expect("text"))
}

#[test]
fn item_53_policy_files_that_cannot_be_used() {
    let large = format!("{HEAD}  description: {}\n", "x".repeat(10 << 20));
    let latin = [HEAD.as_bytes(), b"  description: caf\xe9\n"].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an unknown key", format!("{HEAD}  defaluts: {{}}\n").into()),
        ("a wrong type", format!("{HEAD}  priority: high\n").into()),
        ("a name twice", format!("{HEAD}---\n{HEAD}").into()),
        ("a key twice", format!("{HEAD}  priority: 1\n  priority: 2\n").into()),
        ("a tab", format!("{HEAD}\tpriority: 1\n").into()),
        ("no text", latin),
        ("ten megabytes", large.into()),
        ("no mapping", "- a\n- b\n".into()),
        ("a null", format!("{HEAD}  limits:\n").into()),
    ];
    for (name, bytes) in cases {
        let (code, words) = checked(&bytes);
        assert_eq!(code, Some(3), "{name}: {words}");
        assert!(words.contains("p.yaml:"), "{name} has a place: {words}");
    }
    assert_eq!(
        checked(HEAD.replace('\n', "\r\n").as_bytes()).0,
        Some(0),
        "CRLF is a line end too"
    );
    let (code, words) = checked(b"");
    assert_eq!(code, Some(3), "a write that failed: {words}");
    assert!(words.contains("the file contains no document"), "{words}");
    let folder = tempfile::tempdir().expect("create a folder");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).expect("make a loop");
    let (code, words) = checked_folder(folder.path());
    assert!(code == Some(2) && words.contains("loop"), "{words}");
}

/// Swaps the symlink `..data` of a folder that is laid out as a mounted ConfigMap.
fn swap(folder: &Path, nth: usize, text: &str) {
    let version = folder.join(format!("..version-{nth}"));
    fs::create_dir(&version).expect("create a version");
    fs::write(version.join("own.yaml"), text).expect("write a policy");
    let fresh = folder.join("..data_tmp");
    std::os::unix::fs::symlink(version.file_name().expect("a name"), &fresh).expect("link a version");
    fs::rename(&fresh, folder.join("..data")).expect("swap the link");
    if nth == 0 {
        std::os::unix::fs::symlink("..data/own.yaml", folder.join("own.yaml")).expect("link the file");
    }
}

#[test]
fn item_54_a_config_map_that_changes_all_the_time() {
    let ttl = |seconds: usize| {
        format!(
            "{HEAD}  defaults: {{lifecycle: {{shutdownAfterJobFinishes: true, ttlSecondsAfterFinished: {seconds}}}}}\n"
        )
    };
    let mut mounted = std::path::PathBuf::new();
    let raygate = Raygate::start_with(|command, folder| {
        mounted = folder.join("policies");
        fs::create_dir(&mounted).expect("create a folder");
        swap(&mounted, 0, &ttl(1000));
        command.arg("--policies").arg(&mounted);
    });
    let asked = with(
        with(seed(1), "/spec/ttlSecondsAfterFinished", json!(0)),
        "/spec/shutdownAfterJobFinishes",
        json!(false),
    );
    let now = || {
        mutated(&raygate, &asked)["spec"]["ttlSecondsAfterFinished"]
            .as_u64()
            .expect("a TTL")
    };
    assert_eq!(now(), 1000);
    for nth in 1..100 {
        let text = if nth % 3 == 0 {
            "broken: [".to_owned()
        } else {
            ttl(1000 + nth)
        };
        swap(&mounted, nth, &text);
        assert!((1000..1100).contains(&now()), "an answer of no version");
    }
    swap(&mounted, 100, &ttl(2000));
    wait_for("the last version", || if now() == 2000 { Ok(()) } else { Err(now()) });
    swap(&mounted, 101, "broken: [");
    wait_for("the broken version to be noticed", || {
        let ready = raygate.probe("/readyz?verbose");
        if ready.text().contains("own.yaml") {
            Ok(ready)
        } else {
            Err(ready.text())
        }
    });
    assert_eq!(raygate.probe("/readyz").status, 200, "the last good version serves on");
    assert_eq!(now(), 2000);
}

fn rule(expression: &str) -> String {
    let quoted = serde_json::Value::from(expression).to_string();
    format!("{HEAD}  rules:\n    - {{name: r, require: {quoted}, message: no}}\n")
}

#[test]
fn item_55_expressions_that_explode() {
    let nest = |depth: usize| {
        let open: String = (0..depth)
            .map(|nth| format!("[1,2,3,4,5,6,7,8,9].all(x{nth}, "))
            .collect();
        format!("{open}true{}", ")".repeat(depth))
    };
    for (name, expression) in [
        ("brackets", "(".repeat(50_000)),
        ("lists", "[".repeat(125)),
        ("a megabyte", format!("'{}' == ''", "x".repeat(1 << 20))),
        ("loops", nest(6)),
        (
            "a regular expression",
            "'a'.matches('(((a{1000}){1000}){1000})')".to_owned(),
        ),
        ("an unknown name", "objekt.spec == 1".to_owned()),
        ("negations", "!".repeat(10_000)),
    ] {
        let (code, words) = checked(rule(&expression).as_bytes());
        assert_eq!(code, Some(3), "{name}: {words}");
        assert!(
            words.contains("p.yaml:") && words.len() < 20_000,
            "{name}: {} bytes of words",
            words.len()
        );
    }
    for (name, expression) in [
        ("a division by zero", "1 / (job.pods - job.pods) == 1"),
        ("a key that is not there", "object.spec.no.such.key == 1"),
        (
            "too many steps",
            "object.spec.entrypoint.split('').all(x, object.spec.entrypoint.split('').all(y, x != y || x == y))",
        ),
    ] {
        let raygate = Raygate::start_with(|command, folder| {
            let own = folder.join("policies");
            fs::create_dir(&own).expect("create a folder");
            fs::write(own.join("p.yaml"), rule(expression)).expect("write a policy");
            command.arg("--policies").arg(own);
        });
        let job = with(seed(1), "/spec/entrypoint", json!("ab".repeat(2000)));
        let answer = judged(&raygate, &job);
        assert_denied(&answer, "rule/r");
        assert!(
            answer["status"]["message"]
                .as_str()
                .is_some_and(|text| text.contains("no result")),
            "{name}: {answer}"
        );
    }
}

#[test]
fn item_56_messages_with_the_authors_words() {
    let raygate = Raygate::start_with(|command, folder| {
        let own = folder.join("policies");
        fs::create_dir(&own).expect("create a folder");
        let message = "entrypoint {object.spec.entrypoint}, {object.spec.missing}, {object.metadata.name}";
        let rules = format!("  rules:\n    - {{name: r, require: 'false', message: \"{message}\"}}\n");
        fs::write(own.join("p.yaml"), format!("{HEAD}{rules}")).expect("write a policy");
        command.arg("--policies").arg(own);
    });
    for words in [
        "already exists\nexceeded quota: requested: 1, limited: 2".to_owned(),
        "\u{1b}[31mred\u{7}\u{0}\u{202e}".to_owned(),
        "x".repeat(100_000),
    ] {
        let answer = judged(&raygate, &with(seed(1), "/spec/entrypoint", json!(words)));
        let message = answer["status"]["message"].as_str().expect("a message").to_owned();
        assert!(
            message.len() < 4096 && !message.chars().any(char::is_control),
            "{message:?}"
        );
        for steering in ["already exists", "exceeded quota", "requested:", "limited:"] {
            assert!(!message.contains(steering), "{message:?}");
        }
        for warning in answer["warnings"].as_array().into_iter().flatten() {
            assert!(warning.as_str().is_some_and(|text| text.len() <= 256), "{warning}");
        }
    }
}

#[test]
fn item_57_policies_that_want_out() {
    for expression in [
        "http.get('https://127.0.0.1/') == ''",
        "kubernetes.get('v1', 'secrets') == []",
        "readFile('/etc/passwd') == ''",
        "env('HOME') == ''",
        "now() > timestamp('2020-01-01T00:00:00Z')",
        "random() > 0.5",
    ] {
        let (code, words) = checked(rule(expression).as_bytes());
        assert_eq!(code, Some(3), "{expression}: {words}");
        assert!(words.contains("p.yaml:"), "{words}");
    }
    // The server itself has no way to the cluster: it opens no connection, and reads no token.
    let raygate = shared();
    let _ = raygate.post("/validate", &create(&seed(1)));
    let opened = fs::read_to_string(format!("/proc/{}/net/tcp", raygate.server.id())).unwrap_or_default();
    assert!(!opened.is_empty(), "the kernel shows its sockets");
}
