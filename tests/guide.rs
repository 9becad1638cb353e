//! The commands in the pages that are written by hand are run, and say what the page shows.
//!
//! In a block marked `console`, a line that begins with `$ raygate` is run and what follows is its output; a line `…`
//! stands for any lines. A block marked `yaml` whose first line is a comment with a path is that file, from there on.
//! Each page has a folder of its own, in which `policies` and `tests` are those of the repository.
//! `RAYGATE_BLESS=1 cargo test --test guide` writes the outputs anew; read what it wrote.
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages written by hand that show commands.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("docs/troubleshooting.md")];
    for folder in ["policies/library"] {
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

/// Runs the page's commands; gives the page as it should be, and how many commands it has.
fn replay(page: &str) -> (String, usize) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["policies", "tests", "docs"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    let mut out = String::new();
    let mut commands = 0;
    let mut last = 0;
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let language = line.strip_prefix("```").unwrap_or_default();
        if language == "yaml" {
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```") {
                text.push_str(line);
                text.push('\n');
            }
            out.push_str(&text);
            let first = text.lines().next().unwrap_or_default();
            if let Some(path) = first
                .strip_prefix("# ")
                .filter(|path| path.ends_with(".yaml") && !path.contains(' '))
            {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        if language != "console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let Some(command) = line.strip_prefix("$ ") else {
                panic!("a console block begins with a command, not with `{line}`");
            };
            out.push_str(line);
            out.push('\n');
            let mut shown = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```" && !line.starts_with("$ ")) {
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
            out.push_str(if shows(&shown, &output) { &shown } else { &output });
        }
    }
    (out, commands)
}

#[test]
fn the_commands_of_the_pages_say_what_the_pages_show() {
    let mut stale = Vec::new();
    let mut commands = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let (fresh, run) = replay(&page);
        commands += run;
        if fresh == page {
            continue;
        }
        if std::env::var_os("RAYGATE_BLESS").is_some() {
            fs::write(&path, fresh).unwrap();
        } else {
            let differing = page.lines().zip(fresh.lines()).find(|(shown, is)| shown != is);
            stale.push(format!("{}: {differing:?}", path.display()));
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

#[test]
fn every_link_leads_to_a_file() {
    for path in pages() {
        for link in links(&fs::read_to_string(&path).unwrap()) {
            let target = path.parent().unwrap().join(link);
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
        }
    }
}
