//! Builds the Go program beside this file and asks it for answers.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;

/// What Go answers to each text, in order; `None` on a machine without Go.
pub fn answers<T: DeserializeOwned>(mode: &str, texts: &[String]) -> Option<Vec<T>> {
    let program = program()?;
    let mut child = Command::new(program)
        .arg(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reference program starts");
    let mut input = String::new();
    for text in texts {
        input.push_str(&serde_json::to_string(text).expect("text is JSON"));
        input.push('\n');
    }
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // From a thread of its own, or both sides would wait for each other once the pipes are full.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the reference program ends");
    writer
        .join()
        .expect("the writer ends")
        .expect("the reference program reads all its input");
    assert!(
        output.status.success(),
        "the reference program failed: {}",
        output.status
    );
    let answers: Vec<T> = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("an answer is JSON of the agreed form"))
        .collect();
    assert_eq!(answers.len(), texts.len(), "one answer for each text");
    Some(answers)
}

fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubernetes-reference");
    let built = Command::new("go")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quantity"))
        .args(["build", "-mod=readonly", "-o"])
        .arg(&program)
        .arg(".")
        .output();
    match built {
        Ok(output) => {
            let messages = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "building the reference program with Go failed:\n{messages}"
            );
            Some(program)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(
                std::env::var_os("RAYGATE_REQUIRE_GO").is_none_or(|value| value != "1"),
                "RAYGATE_REQUIRE_GO=1, but there is no `go` on the path"
            );
            // Straight to the stream: the test harness swallows what a passing test prints.
            let warning = b"\nSKIPPED: no `go` on the path, nothing was compared with Kubernetes' own code\n\n";
            std::io::stderr().write_all(warning).expect("stderr is open");
            None
        }
        Err(error) => panic!("starting `go` failed: {error}"),
    }
}
