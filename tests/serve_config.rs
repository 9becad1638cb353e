//! Compares our reading of generated Serve configs with Ray's own models. `serve_config/answers.txt` records what
//! six releases of Ray said to them; `RAYGATE_BLESS=1` asks Ray again, see `serve_config/ask_ray.py`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "serve_config/generate.rs"]
mod generate;
#[allow(dead_code, reason = "the tests with Go use the rest of it")]
#[path = "tools/random.rs"]
mod random;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use raygate::ray::serve_config::keys::RELEASES;
use raygate::ray::serve_config::{self, Releases, ServeConfig};
use sha2::{Digest, Sha256};

const SEED: u64 = 20_261_130;
const COUNT: usize = 4_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve_config")
}

/// What the record says about itself: it is worth nothing for other configs.
fn header(configs: &[String]) -> String {
    let digest = Sha256::digest(configs.join("\n"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "# What Ray {} say to {COUNT} configs of the seed {SEED} with the SHA-256 {digest}:\n\
         # the releases that reject it, the newest first, and the keys that none of them knows.\n",
        RELEASES.join(", ")
    )
}

fn ask_ray(configs: &[String]) -> String {
    let mut child = Command::new("python3")
        .arg(folder().join("ask_ray.py"))
        .arg("record")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(configs.join("\n").as_bytes())
        .expect("Python reads all its input");
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "ask_ray.py failed: {}", output.status);
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}

/// The releases that reject a config for one of its problems.
fn rejecting(config: &ServeConfig) -> Releases {
    config
        .problems
        .iter()
        .fold(Releases::NONE, |all, problem| all | problem.rejected_by)
}

#[test]
fn configs_are_judged_as_ray_judges_them() {
    let configs = generate::configs(&mut random::Random::new(SEED), COUNT);
    let file = folder().join("answers.txt");
    let header = header(&configs);
    if std::env::var_os("RAYGATE_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, header.clone() + &ask_ray(&configs)).unwrap();
    }
    let record = fs::read_to_string(&file).expect("the record is there");
    let answers = record
        .strip_prefix(&header)
        .expect("the record is of other configs: RAYGATE_BLESS=1 cargo test --test serve_config");
    assert_eq!(answers.lines().count(), configs.len());
    let mut differences = Vec::new();
    let (mut rejected_by_all, mut accepted_by_all, mut with_unknown_keys) = (0, 0, 0);
    for (text, answer) in configs.iter().zip(answers.lines()) {
        let mut words = answer.split(' ');
        let theirs = Releases(u8::from_str_radix(words.next().unwrap(), 2).unwrap());
        let unknown: BTreeSet<String> = words.map(str::to_owned).collect();
        let config = serve_config::read(text);
        assert_eq!(config.more, 0, "the generator makes too many mistakes: {text}");
        rejected_by_all += usize::from(theirs == Releases::ALL);
        accepted_by_all += usize::from(theirs.is_none());
        with_unknown_keys += usize::from(!unknown.is_empty());
        let is_unknown = |found: &str| found.starts_with("unknown key ");
        let ours: BTreeSet<String> = config
            .problems
            .iter()
            .filter(|problem| is_unknown(&problem.found))
            .map(|problem| problem.place.path.to_string())
            .collect();
        if rejecting(&config) != theirs || ours != unknown {
            let problems: Vec<String> = config
                .problems
                .iter()
                .map(|problem| {
                    format!(
                        "  {:06b} {}: {}",
                        problem.rejected_by.0, problem.place.path, problem.found
                    )
                })
                .collect();
            differences.push(format!("{text}\nRay {answer}\n{}", problems.join("\n")));
        }
    }
    let first = differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        differences.is_empty(),
        "{} of {COUNT} differ:\n{first}",
        differences.len()
    );
    // The generator is worth something only if all kinds are frequent.
    assert!(
        rejected_by_all > 800 && accepted_by_all > 800 && with_unknown_keys > 400,
        "{rejected_by_all} rejected by all, {accepted_by_all} by none, {with_unknown_keys} with unknown keys"
    );
}
