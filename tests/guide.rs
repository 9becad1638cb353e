//! The commands in the pages that are written by hand are run, and say what the page shows.
//!
//! In a block marked `console`, a line that begins with `$ raygate` is run and what follows is its output; a line `…`
//! stands for any lines. A block marked `yaml` whose first line is a comment with a path is that file, from there on.
//! Each page has a folder of its own, in which `policies` and `tests` are those of the repository.
//! `RAYGATE_BLESS=1 cargo test --test guide` writes the outputs anew, but those with a `…`; read what it wrote.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use jiff::Timestamp;
use raygate::admission::{Endpoint, Gate};
use raygate::engine::Bundle;
use raygate::engine::bundle::{EMBEDDED, known};
use raygate::json::Tree;
use raygate::policy::load::Source;
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages written by hand that show commands.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("docs/troubleshooting.md")];
    for folder in ["docs/guide", "policies/library"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pages.push(path.join("README.md"));
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// What a command prints, and its exit code.
fn run(command: &str, folder: &Path) -> (String, i32) {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("raygate"), "`{command}` is not raygate's");
    let output = Command::new(env!("CARGO_BIN_EXE_raygate"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (text, output.status.code().unwrap())
}

/// Whether an output is what the page shows, where a line `…` stands for any lines.
fn shows(shown: &str, output: &str) -> bool {
    let parts: Vec<&str> = shown.split("…\n").collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return shown == output;
    };
    let Some(mut rest) = output.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The path that the first line of a block names.
fn file_name(text: &str) -> Option<&str> {
    let path = text.lines().next()?.strip_prefix("# ")?;
    (path.ends_with(".yaml") && !path.contains(' ')).then_some(path)
}

/// A page after its commands were run.
struct Replayed {
    /// The page as it should be.
    fresh: String,
    /// How many commands it has.
    commands: usize,
    /// The commands whose output is shown in part, and is not what is shown: nobody else knows which part matters.
    broken: Vec<String>,
}

fn replay(page: &str) -> Replayed {
    let folder = tempfile::tempdir().unwrap();
    for name in ["policies", "tests", "docs"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    let mut out = String::new();
    let mut commands = 0;
    let mut broken = Vec::new();
    let mut last = 0;
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        // What a command prints may have fences of its own; then the page's has one more.
        let language = line.trim_start_matches('`');
        let fence = &line[..line.len() - language.len()];
        if fence.len() < 3 {
            continue;
        }
        if language == "yaml" {
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| *line != fence) {
                text.push_str(line);
                text.push('\n');
            }
            out.push_str(&text);
            if let Some(path) = file_name(&text) {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        if language != "console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != fence) {
            let Some(command) = line.strip_prefix("$ ") else {
                panic!("a console block begins with a command, not with `{line}`");
            };
            out.push_str(line);
            out.push('\n');
            let mut shown = String::new();
            while let Some(line) = lines.next_if(|line| *line != fence && !line.starts_with("$ ")) {
                shown.push_str(line);
                shown.push('\n');
            }
            let output = if command == "echo $?" {
                format!("{last}\n")
            } else {
                commands += 1;
                let (output, code) = run(command, folder.path());
                last = code;
                output
            };
            let is_part = shown.contains("…\n");
            if is_part && !shows(&shown, &output) {
                broken.push(format!("{command} does not show\n{shown}"));
            }
            out.push_str(if is_part { &shown } else { &output });
        }
    }
    Replayed {
        fresh: out,
        commands,
        broken,
    }
}

#[test]
fn the_commands_of_the_pages_say_what_the_pages_show() {
    let mut stale = Vec::new();
    let mut commands = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let replayed = replay(&page);
        commands += replayed.commands;
        let at = path.display();
        stale.extend(replayed.broken.iter().map(|output| format!("{at}: {output}")));
        if replayed.fresh == page {
            continue;
        }
        if std::env::var_os("RAYGATE_BLESS").is_some() {
            fs::write(&path, replayed.fresh).unwrap();
        } else {
            let mut lines = page.lines().zip(replayed.fresh.lines());
            let differing = lines.find(|(shown, is)| shown != is);
            stale.push(format!("{at}: {differing:?}"));
        }
    }
    assert_eq!(
        stale,
        Vec::<String>::new(),
        "RAYGATE_BLESS=1 cargo test --test guide writes them anew"
    );
    assert!(commands >= 18, "only {commands} commands");
}

#[test]
fn an_ellipsis_stands_for_lines_and_for_nothing_else() {
    assert!(shows("a\n…\nc\n", "a\nb\nb\nc\n") && shows("a\nb\n", "a\nb\n"));
    assert!(!shows("a\n…\nd\n", "a\nb\nc\n") && !shows("b\n…\n", "a\nb\n") && !shows("a\n", "a\nb\n"));
}

/// Links to files of this repository.
fn links(page: &str) -> Vec<&str> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
        .map(|link| link.split('#').next().unwrap())
        .collect()
}

/// Every page written by hand or generated.
fn all_pages() -> Vec<PathBuf> {
    fn below(folder: &Path, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages: Vec<PathBuf> = [
        "README.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "certs/README.md",
    ]
    .map(|page| root().join(page))
    .into();
    for folder in ["docs", "deploy", "policies/library"] {
        below(&root().join(folder), &mut pages);
    }
    pages
}

#[test]
fn every_link_leads_to_a_file() {
    for path in all_pages() {
        for link in links(&fs::read_to_string(&path).unwrap()) {
            let target = path.parent().unwrap().join(link);
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
        }
    }
}

#[test]
fn every_test_that_a_page_names_exists() {
    let mut named = 0;
    for path in all_pages() {
        let page = fs::read_to_string(&path).unwrap();
        for rest in page.split("cargo test --test ").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if name.is_empty() {
                continue;
            }
            let tests = root().join("tests");
            assert!(
                tests.join(format!("{name}.rs")).exists() || tests.join(&name).join("main.rs").exists(),
                "{}: there is no test {name}",
                path.display()
            );
            named += 1;
        }
    }
    assert!(named > 20, "the pages name {named} tests");
}

/// A text in one line, as it is before a page breaks it.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The answer of `/validate` to the first RayJob, mutated before, under the built-in policies and the first policy that a
/// page shows.
fn denial(page: &str) -> Value {
    let block = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut sources: Vec<Source> = EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect();
    sources.push(Source::new(file_name(block).unwrap_or("mine/production.yaml"), block));
    let gate = Gate::new(Bundle::new(raygate::policy::load(&sources, &known()).set));
    let text = fs::read_to_string(root().join("tests/rayjobs/seed-01-gpu-training.json")).unwrap();
    let mut rayjob = Tree::read(&text).unwrap();
    raygate::ray::defaults::apply(&mut rayjob);
    let mut rayjob = rayjob.root().to_value();
    let ask = |endpoint: Endpoint, object: &Value| -> Value {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "u-1",
                "kind": {"group": "ray.io", "version": "v1", "kind": "RayJob"},
                "resource": {"group": "ray.io", "version": "v1", "resource": "rayjobs"},
                "name": object["metadata"]["name"],
                "namespace": object["metadata"]["namespace"],
                "operation": "CREATE",
                "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller"},
                "object": object,
            },
        });
        let answer = gate.answer(endpoint, review.to_string().as_bytes(), Timestamp::UNIX_EPOCH);
        serde_json::from_slice::<Value>(&answer.body).unwrap()["response"].clone()
    };
    let patch = ask(Endpoint::Mutate, &rayjob)["patch"].as_str().unwrap().to_owned();
    let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
    json_patch::patch(
        &mut rayjob,
        &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap(),
    )
    .unwrap();
    ask(Endpoint::Validate, &rayjob)
}

#[test]
fn the_denial_of_the_guide_is_what_the_gate_answers() {
    let page = fs::read_to_string(root().join("docs/guide/denial.md")).unwrap();
    let response = denial(&page);
    let page = in_one_line(&page);
    for shown in [
        response["status"]["message"].as_str().unwrap(),
        response["auditAnnotations"]["findings"].as_str().unwrap(),
        &format!(
            "rayjob.raygate.dev/bundle: {}",
            response["auditAnnotations"]["bundle"].as_str().unwrap()
        ),
    ] {
        assert!(
            page.contains(&in_one_line(shown)),
            "docs/guide/denial.md does not show: {shown}"
        );
    }
}

#[test]
fn the_denial_of_the_readme_is_what_the_gate_answers() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let message = denial(&page)["status"]["message"].as_str().unwrap().to_owned();
    assert!(
        in_one_line(&page).contains(&in_one_line(&message)),
        "README.md does not show: {message}"
    );
}
