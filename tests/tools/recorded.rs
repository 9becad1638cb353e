//! Recorded answers of Ray. `RAYGATE_BLESS=1` asks Ray again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// The folder of a test below `tests`.
pub fn folder(test: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(test)
}

/// The digest of all inputs, in hexadecimal: a record is worth nothing for other inputs.
pub fn sha256(inputs: &[String]) -> String {
    let digest = Sha256::digest(inputs.join("\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An answer for each input, from `answers.txt` of the test, which begins with `header`. With `RAYGATE_BLESS=1` the test's
/// `ask_ray.py` writes that file first.
pub fn answers(test: &str, header: &str, inputs: &[String]) -> Vec<String> {
    let file = folder(test).join("answers.txt");
    if std::env::var_os("RAYGATE_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, header.to_owned() + &ask_ray(test, inputs)).unwrap();
    }
    let record = fs::read_to_string(&file).expect("the record is there");
    let answers = record
        .strip_prefix(header)
        .unwrap_or_else(|| panic!("the record is of other inputs: RAYGATE_BLESS=1 cargo test --test {test}"));
    let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), inputs.len());
    answers
}

fn ask_ray(test: &str, inputs: &[String]) -> String {
    let mut child = Command::new("python3")
        .arg(folder(test).join("ask_ray.py"))
        .arg("record")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(inputs.join("\n").as_bytes())
        .expect("Python reads all its input");
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "ask_ray.py failed: {}", output.status);
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}
