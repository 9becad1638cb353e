//! What is read: files, directories, standard input, and everything that may be wrong with them.

use crate::command::{Folder, SEED, check, run};

const JOB: &str = "\
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: NAME, namespace: ml}
spec:
  entrypoint: python train.py
  rayClusterSpec:
    headGroupSpec:
      template: {spec: {containers: [{name: ray-head, image: ray}]}}
";

fn job(name: &str) -> String {
    JOB.replace("NAME", name)
}

fn names(output: &str) -> Vec<String> {
    let lines = output
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .map(|line| line["name"].as_str().unwrap_or("-").to_owned())
        .collect()
}

#[test]
fn a_directory_stands_for_the_manifests_below_it() {
    let folder = Folder::new(&[
        ("b.yaml", &job("second")),
        ("a/deep/one.yml", &job("first")),
        (".hidden/no.yaml", &job("hidden")),
        ("README.md", "no manifest"),
    ]);
    let (code, output) = check(&["--output", "jsonl", folder.path()], "");
    assert_eq!(
        (code, names(&output)),
        (0, vec!["first".to_owned(), "second".to_owned()])
    );
}

#[test]
fn what_cannot_be_read_is_said_exactly_and_before_anything_is_judged() {
    let empty = Folder::new(&[("README.md", "")]);
    let ran = run(&["check", SEED, empty.path()], "");
    let expected = format!(
        "error: {} has no file that ends in .yaml or .yml or .json or .jsonl\n",
        empty.path()
    );
    assert_eq!((ran.code, ran.out.as_str(), ran.err), (2, "", expected));
    let ran = run(&["check", SEED, "no/such.yaml"], "");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(
        ran.err,
        "error: cannot read no/such.yaml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let plain = check(&["--output", "json", "-"], &job("a"));
    let windows = format!("\u{feff}{}", job("a").replace('\n', "\r\n"));
    assert_eq!(check(&["--output", "json", "-"], &windows), plain);
    let line = serde_json::to_string(&serde_json::json!({"kind": "Pod"})).unwrap();
    let lines = format!("\u{feff}{line}\r\n\r\n{line}\r\n");
    assert_eq!(check(&["--output", "jsonl", "-"], &lines).1.lines().count(), 2);
}

#[test]
fn other_encodings_and_what_is_too_large_are_named() {
    let folder = Folder::new(&[]);
    std::fs::write(folder.file("utf16.yaml"), b"\xff\xfea\0").unwrap();
    let (code, output) = check(&["--output", "concise", &folder.file("utf16.yaml")], "");
    assert_eq!(code, 1);
    assert!(
        output.contains("error[RY101]: the file is encoded as UTF-16, little-endian"),
        "{output}"
    );
    let large = folder.file("large.yaml");
    std::fs::File::create(&large).unwrap().set_len((64 << 20) + 5).unwrap();
    let (code, output) = check(&["--output", "concise", &large], "");
    assert_eq!(code, 1);
    assert!(
        output.ends_with("error[RY103]: the file has 67108869 bytes, more than the 67108864 allowed\n"),
        "{output}"
    );
}

#[test]
fn a_cut_first_line_does_not_hide_the_others() {
    let good = serde_json::to_string(&serde_json::json!({"kind": "Pod", "metadata": {"name": "p"}})).unwrap();
    let (code, output) = check(
        &["--output", "jsonl", "-"],
        &format!("ta\":{{}}}}\n{good}\n{{broken}}\n{good}\n"),
    );
    assert_eq!(
        (code, names(&output)),
        (1, ["", "p", "-", "p"].map(str::to_owned).to_vec())
    );
    assert!(output.contains("<stdin>:3:"), "{output}");
}

#[test]
fn items_of_lists_are_documents() {
    let items: Vec<String> = ["a", "b"].iter().map(|name| job(name).replace('\n', "\n  ")).collect();
    let list = format!(
        "kind: List\napiVersion: v1\nitems:\n- {}\n- {}\n",
        items[0].trim_end(),
        items[1].trim_end()
    );
    let (_, output) = check(&["--output", "jsonl", "-"], &list);
    assert_eq!(names(&output), ["a", "b"]);
}

#[test]
fn skipped_documents_are_counted_by_their_reason() {
    let pods = "{\"kind\": \"Pod\"}\n{\"kind\": \"Pod\"}\n{\"kind\": \"RayJob\", \"apiVersion\": \"batch/v1\"}\n";
    let (code, output) = check(&["-"], pods);
    assert_eq!(code, 0);
    assert_eq!(
        output,
        "0 Ray objects: 0 denied, 0 with warnings, 0 changed; 3 documents skipped: \
         1 × apiVersion \"batch/v1\" is not of ray.io, 2 × kind Pod is no kind of Ray object\n"
    );
}

#[test]
fn a_closed_pipe_ends_the_command_without_a_message() {
    use std::process::{Command, Stdio};
    let line = serde_json::to_string(&serde_json::json!({"kind": "Pod"})).unwrap();
    let folder = Folder::new(&[("many.jsonl", &format!("{line}\n").repeat(20_000))]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(["check", "--output", "jsonl", &folder.file("many.jsonl")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(141), vec![]));
}

#[test]
fn a_name_that_is_near_is_suggested() {
    let error = |arguments: &[&str]| run(arguments, "").err;
    assert!(error(&["chek", SEED]).contains("'check'"));
    assert!(error(&["check", "--output", "sarf", SEED]).contains("'sarif'"));
    assert!(error(&["check", "--againts", "x", SEED]).contains("'--against'"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(&["completions", shell], "");
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("kuberay-version"), "{shell}");
    }
}

#[test]
fn a_policy_file_of_another_ending_is_named() {
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}}\n";
    let folder = Folder::new(&[("a.yaml", policy), ("team/b.yml", policy)]);
    let ran = run(&["check", "--policies", folder.path()], "");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let wanted = format!(
        "warning[RP216]: {} is ignored: policy files must end in .yaml\n",
        folder.file("team/b.yml")
    );
    assert!(ran.out.contains(&wanted), "{}", ran.out);
    // A warning of the policies is in every format, and in every command that loads them.
    for format in ["concise", "jsonl", "sarif"] {
        let ran = run(&["check", "--policies", folder.path(), "--output", format, SEED], "");
        let said = ran.out + &ran.err;
        assert!(said.contains("RP216"), "{format}: {said}");
    }
    for command in [
        vec!["test", folder.path()],
        vec!["explain", "--policies", folder.path(), SEED],
        vec!["scan", "--policies", folder.path(), "--kubeconfig", "/nowhere"],
    ] {
        let ran = run(&command, "");
        assert!(ran.err.contains("RP216"), "{command:?}: {} {}", ran.out, ran.err);
    }
    // Named itself it is read, whatever its name.
    let ran = run(&["check", "--policies", &folder.file("team/b.yml")], "");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
}

#[test]
fn a_directory_without_policies_is_an_error_as_for_the_server() {
    let folder = Folder::new(&[("notes.txt", "none"), ("a.test.yaml", "")]);
    let path = folder.path();
    for command in [
        vec!["check", "--policies", path],
        vec!["check", "--policies", path, SEED],
        vec!["check", "--against", path, SEED],
        vec!["test", path],
        vec!["explain", "--policies", path, SEED],
    ] {
        let ran = run(&command, "");
        let said = format!("{}{}", ran.out, ran.err);
        let wanted = format!("error[RP217]: there is no policy file below {path}\n");
        assert!(ran.code == 3 && said.contains(&wanted), "{command:?}: {said}");
        assert_eq!(said.matches("[RP").count(), 1, "{said}");
    }
    let ran = run(&["check"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn policies_under_other_names_are_named() {
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}}\n";
    let folder = Folder::new(&[("a.yaml", policy), ("caps.yaml.bak", policy), ("notes.txt", "none")]);
    let ran = run(&["check", "--policies", folder.path()], "");
    let wanted = format!(
        "warning[RP216]: {} is ignored: policy files must end in .yaml\n",
        folder.file("caps.yaml.bak")
    );
    assert!(
        ran.code == 0 && ran.out.contains(&wanted) && ran.out.matches("RP216").count() == 1,
        "{}",
        ran.out
    );
}
