//! Builds a Go program of the tests and asks it for answers.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;

/// A Go program that answers each line of its input with a line of its output.
pub struct Reference {
    /// The folder of its module, below `tests`.
    pub folder: &'static str,
    /// The file of its module, beside which its sums are: `go.mod`, or another one for another release.
    pub module: &'static str,
    /// Whose code it calls.
    pub whose: &'static str,
    /// The program, once it is built.
    pub program: OnceLock<Option<PathBuf>>,
}

impl Reference {
    /// A program that has to be built.
    pub const fn new(folder: &'static str, whose: &'static str) -> Self {
        Self::of(folder, "go.mod", whose)
    }

    /// A program that has to be built by this module file.
    pub const fn of(folder: &'static str, module: &'static str, whose: &'static str) -> Self {
        Self {
            folder,
            module,
            whose,
            program: OnceLock::new(),
        }
    }

    /// What it answers to each text, in order; `None` on a machine without Go.
    pub fn answers<T: DeserializeOwned>(&self, mode: &str, texts: &[String]) -> Option<Vec<T>> {
        let program = self.program.get_or_init(|| self.build()).as_deref()?;
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
        // From another thread, or both sides would wait for each other once the pipes are full.
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

    fn build(&self) -> Option<PathBuf> {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}-reference", self.folder, self.module));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(self.folder);
        let built = Command::new("go")
            .current_dir(source)
            .args(["build", "-mod=readonly", "-modfile", self.module, "-o"])
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
                let warning = format!(
                    "\nSKIPPED: no `go` on the path, nothing was compared with {} code\n\n",
                    self.whose
                );
                std::io::stderr().write_all(warning.as_bytes()).expect("stderr is open");
                None
            }
            Err(error) => panic!("starting `go` failed: {error}"),
        }
    }
}

/// Shows the first differences and how many there are, rather than the first alone.
pub fn assert_none(differences: &[String], compared: usize) {
    let first = differences.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        differences.is_empty(),
        "{} of {compared} answers differ from Go's:\n{first}",
        differences.len()
    );
}
