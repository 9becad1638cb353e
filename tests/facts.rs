//! The rules that the API server itself decides: its recorded answers to generated pods, and raygate's findings by facts alone.
//!
//! `cargo test --test cluster -- the_api_server_decides` asks the API server. `RAYGATE_PODS=2500 RAYGATE_BLESS=1` records its
//! answers anew in `tests/facts/recorded.txt`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and prints its result"
)]

#[path = "facts/generate.rs"]
mod generate;
#[path = "tools/random.rs"]
#[allow(dead_code, reason = "other tests make texts")]
mod random;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use generate::{CODES, PODS, SEED, world};

/// Kubernetes' version, the seed, the checksum of what was asked, and the code of each refusal.
const RECORDED: &str = include_str!("facts/recorded.txt");

#[test]
fn the_api_server_agrees() {
    let (head, answers) = RECORDED.split_once("\n\n").expect("a head and the answers");
    let head: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(' ')).collect();
    let answers: Vec<String> = answers
        .lines()
        .map(|line| line.trim_start_matches('-').to_owned())
        .collect();
    assert_eq!(head["seed"], SEED.to_string());
    let world = world(SEED, answers.len() / PODS);
    assert_eq!(
        head["checksum"],
        world.checksum(),
        "what was asked has changed: record the answers anew"
    );
    assert!(answers.len() >= 2_000, "{} answers", answers.len());
    let differences = world.differences(&world.facts(head["kubernetes"]), &answers);
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        answers.len(),
        differences.join("\n")
    );
    // The generator is worth something only if each rule decides some pods, and many are created.
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer).or_default() += 1;
    }
    println!("{counts:?}");
    for code in CODES.into_iter().chain([""]) {
        let count = counts.get(code).copied().unwrap_or_default();
        assert!(count >= 20, "{code:?} decides {count} pods: {counts:?}");
    }
}

/// Runs raygate with this on standard input.
fn raygate(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut raygate = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    raygate.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    raygate.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// A folder with a job whose priority class one of two clusters has.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let base = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks/base.yaml")).unwrap();
    let class = "\n          priorityClassName: training";
    write(
        "job.yaml",
        base.replacen("restartPolicy: Never", &format!("restartPolicy: Never{class}"), 1),
    );
    for (name, class) in [("east", "training"), ("west", "trainning")] {
        write(
            &format!("{name}.yaml"),
            format!(
                "apiVersion: raygate.dev/v1beta1\nkind: ClusterFacts\ncluster: {name}\nkinds:\n  PriorityClass: \
                 {{readAt: 2026-01-01T00:00:00Z, items: [{{metadata: {{name: {class}}}}}]}}\n"
            ),
        );
    }
    write(
        "list.json",
        r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"kind": "PriorityClass", "metadata": {"name": "batch"}},
            {"kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aGVsbG8="}}]}"#
            .to_owned(),
    );
    folder
}

#[test]
fn check_judges_a_job_for_each_cluster() {
    let folder = folder();
    let check = |arguments: &[&str]| {
        let output = raygate(
            folder.path(),
            &[&["check", "job.yaml", "--only", "RG8"], arguments].concat(),
            "",
        );
        (output.status.code(), text(&output))
    };
    assert_eq!(check(&[]).0, Some(0));
    assert_eq!(check(&["--facts", "east.yaml"]).0, Some(0));
    // A file is as good as its user says, however old it is.
    let (code, text) = check(&["--facts", "west.yaml", "--output", "concise"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("error[RG809]: head: priority class `training` does not exist"),
        "{text}"
    );
    let (code, text) = check(&["--facts", "list.json"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = check(&["--facts", "east.yaml", "--facts", "west.yaml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("allowed  job.yaml  RayJob ml-production/train-7 in east"),
        "{text}"
    );
    assert!(
        text.contains("denied   job.yaml  RayJob ml-production/train-7 in west"),
        "{text}"
    );
    let (_, text) = check(&["--facts", "east.yaml", "--facts", "west.yaml", "--output", "jsonl"]);
    let clusters: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["cluster"].to_string())
        .collect();
    assert_eq!(clusters, ["\"east\"", "\"west\""]);
}

#[test]
fn what_has_no_facts_is_an_error_of_the_command() {
    let folder = folder();
    for (file, why) in [
        ("job.yaml", "and is `RayJob`"),
        ("none.yaml", "cannot read none.yaml"),
        (".", "is no regular file"),
    ] {
        let output = raygate(folder.path(), &["check", "job.yaml", "--facts", file], "");
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(text(&output).contains(why), "{file}: {}", text(&output));
    }
}

#[test]
fn explain_says_what_is_known_of_the_cluster() {
    let folder = folder();
    let output = raygate(folder.path(), &["explain", "job.yaml", "--facts", "west.yaml"], "");
    let text = text(&output);
    assert!(text.contains("deny RG809"), "{text}");
    assert!(text.contains("facts about the cluster"), "{text}");
    let mut lines = text.lines().map(str::trim);
    assert!(
        lines.any(|line| line.starts_with("LimitRange ") && line.ends_with("unknown: not read")),
        "{text}"
    );
}

#[test]
fn snapshot_keeps_names_and_no_secrets() {
    let folder = folder();
    let list = std::fs::read_to_string(folder.path().join("list.json")).unwrap();
    let output = raygate(folder.path(), &["snapshot", "-", "--name", "south"], &list);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("aGVsbG8"), "{text}");
    assert!(text.contains("cluster: south") && text.contains("readAt:"), "{text}");
    std::fs::write(folder.path().join("south.yaml"), &text).unwrap();
    let check = raygate(
        folder.path(),
        &["check", "job.yaml", "--facts", "south.yaml", "--only", "RG809"],
        "",
    );
    assert_eq!(check.status.code(), Some(1));
}

#[test]
fn explain_says_where_pods_can_run_and_check_which_accelerators_have_no_nodes() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "nodes.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- kind: Node\n  metadata: {name: a, labels: {nvidia.com/gpu.product: NVIDIA-L4}}\n  \
         status: {allocatable: {cpu: \"4\", memory: 16Gi}}\n",
    );
    write(
        "platform.yaml",
        "apiVersion: raygate.dev/v1beta1\nkind: Platform\nspec:\n  accelerators:\n    l4: {resource: nvidia.com/gpu, nodeSelector: \
         {nvidia.com/gpu.product: NVIDIA-L4}}\n    l40: {resource: nvidia.com/gpu, nodeSelector: {nvidia.com/gpu.product: NVIDIA-L40}}\n",
    );
    let output = raygate(folder.path(), &["explain", "job.yaml", "--facts", "nodes.yaml"], "");
    let explained = text(&output);
    assert!(explained.contains("a node can run it"), "{explained}");
    assert!(explained.contains("no node that is known can run it"), "{explained}");
    let scheduled = std::fs::read_to_string(folder.path().join("job.yaml")).unwrap();
    write(
        "job.yaml",
        &scheduled.replacen(
            "restartPolicy: Never",
            "restartPolicy: Never\n          schedulerName: volcano",
            1,
        ),
    );
    let explained = text(&raygate(
        folder.path(),
        &["explain", "job.yaml", "--facts", "nodes.yaml"],
        "",
    ));
    assert!(
        explained.contains("unknown: another scheduler places the pod"),
        "{explained}"
    );

    let arguments = [
        "check",
        "job.yaml",
        "--policies",
        "platform.yaml",
        "--facts",
        "nodes.yaml",
    ];
    let checked = text(&raygate(folder.path(), &arguments, ""));
    assert!(
        checked.contains("RL108") && checked.contains("no node has the labels of accelerator `l40`"),
        "{checked}"
    );
    assert!(
        checked.contains("`NVIDIA-L4`") && !checked.contains("accelerator `l4`:"),
        "{checked}"
    );
}
