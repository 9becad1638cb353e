//! `raygate explain FILE` as its user calls it: the way of a RayJob through the policies.
//!
//! `RAYGATE_BLESS=1 cargo test --test explain` writes the expected texts anew.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SHIPPED: &str = "policies/default.yaml";
const OWN: &str = "tests/explain/policies.yaml";

fn explain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_raygate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .arg("explain")
        .args(arguments)
        .output()
        .expect("run raygate explain")
}

/// What the command prints of a RayJob on a day on which the exemption holds.
fn walk(file: &str, more: &[&str]) -> String {
    let policies = ["--policies", SHIPPED, "--policies", OWN, "--at", "2026-06-01"];
    let output = explain(&[&[file], policies.as_slice(), more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn assert_text(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain").join(name);
    if std::env::var_os("RAYGATE_BLESS").is_some() {
        fs::write(&file, text).expect("write the expected text");
    }
    let expected = fs::read_to_string(&file).expect("read the expected text");
    assert_eq!(text, expected, "RAYGATE_BLESS=1 cargo test --test explain");
}

#[test]
fn a_verified_job_is_followed_through_every_part() {
    assert_text("verified.txt", &walk("tests/rayjobs/seed-01-gpu-training.json", &[]));
}

#[test]
fn a_job_that_somebody_else_sends_may_only_be_tightened() {
    let text = walk("tests/rayjobs/seed-01-gpu-training.json", &["--as-user", "mallory"]);
    assert_text("unverified.txt", &text);
    assert!(
        text.contains("not verified: the user is none of Flyte's service accounts"),
        "{text}"
    );
    assert!(
        text.contains("deny RG310"),
        "the exemption of a project is not mallory's:\n{text}"
    );
}

#[test]
fn a_label_does_not_lead_away_from_the_policy_of_the_namespace() {
    let seed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-01-gpu-training.json"));
    let forged = seed
        .expect("read a RayJob")
        .replace("\"domain\": \"production\"", "\"domain\": \"research\"");
    let folder = tempfile::tempdir().expect("create a folder");
    let file = folder.path().join("forged.json");
    fs::write(&file, forged).expect("write a RayJob");
    let text = walk(file.to_str().expect("a path"), &[]);
    let policy = text
        .lines()
        .find(|line| line.trim_start().starts_with("production "))
        .expect("the policy");
    assert!(
        policy.contains("it may tighten limits and actions, not loosen them"),
        "{text}"
    );
    assert!(text.contains("deny RG310"), "{text}");
    assert!(
        text.contains("not verified: the namespace is not the {project}-{domain}"),
        "{text}"
    );
}

#[test]
fn an_injector_that_the_author_has_turned_off_says_so() {
    let mut job: serde_json::Value = serde_json::from_str(
        &fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rayjobs/seed-01-gpu-training.json"))
            .expect("read a RayJob"),
    )
    .expect("JSON");
    job["metadata"]["annotations"]["raygate.dev/skip"] = "readiness".into();
    let folder = tempfile::tempdir().expect("create a folder");
    let file = folder.path().join("skips.json");
    fs::write(&file, job.to_string()).expect("write a RayJob");
    let text = walk(file.to_str().expect("a path"), &[]);
    let readiness = text
        .lines()
        .find(|line| line.trim_start().starts_with("readiness "))
        .expect("a row");
    assert!(readiness.contains("turned it off"), "{text}");
}

#[test]
fn what_is_neither_a_topic_nor_a_rayjob_is_said() {
    let nothing = explain(&["RG2O3"]);
    assert_eq!(nothing.status.code(), Some(2));
    let words = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert!(
        words.contains("there is no code, no key and no file") && words.contains("RG203"),
        "{words}"
    );
    let other = explain(&["Cargo.toml"]);
    assert_eq!(
        other.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&other.stderr)
    );
    let policy = explain(&[SHIPPED]);
    assert_eq!(policy.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&policy.stderr).contains("has no Ray object"));
}

/// Families, kinds of documents, sections, and the names that expressions have.
#[test]
fn every_name_that_a_policy_may_have_has_a_page() {
    let page = |topic: &str| {
        let output = explain(&[topic]);
        assert!(
            output.status.success(),
            "{topic}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    for (topic, shows) in [
        ("RG203", "# RG203: Limits must be at least the requests"),
        ("RG2", "RG2xx  CPU, memory and device quantities\n  RG201"),
        ("rg2xx", "RG2xx  "),
        ("RL106", "# RL106: "),
        ("defaults.sharedMemory.size", "## `spec.defaults.sharedMemory.size`"),
        ("force.head.serviceType", "## `spec.defaults.head.serviceType`"),
        ("limits", "## `spec.limits`"),
        (
            "limits",
            "- `maxGpusPerJob`: Accelerators that the scheduler reserves for all pods",
        ),
        ("RayPolicy", "defaults.sharedMemory.size "),
        ("Exemption", "expires "),
        ("job.groups.workers", "## `job.groups.workers`\n\nIn expressions: int."),
        ("isQuantity", "## `isQuantity(x)`"),
        ("exists", "## `l.exists(x, cond)`"),
    ] {
        assert!(page(topic).contains(shows), "{topic}: {}", page(topic));
    }
    let all = String::from_utf8(explain(&[]).stdout).unwrap();
    for code in ["RG101", "RY208", "RP301", "RL101", "RT201"] {
        assert!(all.contains(&format!("\n  {code}  ")), "{code}");
    }
}

#[test]
fn the_codes_of_the_server_have_pages() {
    let printed = |topic: &[&str]| {
        let output = explain(topic);
        assert!(output.status.success(), "{topic:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(printed(&["RG000"]).starts_with("# RG000: "));
    assert!(printed(&["rg001"]).contains("at most 20,000 JSON values"));
    for list in [printed(&["RG0"]), printed(&[])] {
        assert!(
            list.contains("  RG000  Deny") && list.contains("  RG001  Deny"),
            "{list}"
        );
    }
    assert!(printed(&["RG321"]).contains("Default action: Warn."));
}
