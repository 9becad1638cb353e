//! The ways to get the command: what they name exists, and what can be tried without a build is tried.
//!
//! `.ci/release` builds archives and the wheel, and tries them.
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
use std::path::Path;
use std::process::{Command, Output};

const RAYGATE: &str = env!("CARGO_BIN_EXE_raygate");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).unwrap()
}

#[test]
fn kubectl_finds_the_plugin() {
    let Some(kubectl) = std::env::var_os("RAYGATE_KUBECTL") else {
        assert!(
            std::env::var_os("RAYGATE_REQUIRE_GO").is_none(),
            "RAYGATE_KUBECTL is not set"
        );
        eprintln!("SKIPPED: RAYGATE_KUBECTL is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    symlink(RAYGATE, folder.path().join("kubectl-raygate")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&kubectl);
        command
            .args(arguments)
            .env("PATH", folder.path())
            .current_dir(root())
            .output()
            .unwrap()
    };
    let listed = text(&run(&["plugin", "list"]));
    assert!(listed.contains("kubectl-raygate"), "{listed}");
    let version = run(&["raygate", "--version"]);
    assert_eq!(text(&version), format!("raygate {}\n", env!("CARGO_PKG_VERSION")));
    // Exit codes and options come through.
    let denied = run(&["raygate", "check", "-o", "concise", "docs/examples/1-rejected.yaml"]);
    assert_eq!(denied.status.code(), Some(1), "{}", text(&denied));
    assert!(text(&denied).contains("error[RG501]"), "{}", text(&denied));
}

/// The hooks, and the files that each is for.
#[test]
fn hooks_run_commands_that_exist() {
    let hooks: serde_json::Value =
        serde_saphyr::from_str(&fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap()).unwrap();
    let hooks = hooks.as_array().unwrap();
    assert!(hooks.len() >= 3);
    let page = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    for hook in hooks {
        let words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!(words[0], "raygate");
        let help = Command::new(RAYGATE).args(&words[1..]).arg("--help").output().unwrap();
        assert!(help.status.success(), "{hook}");
        assert!(page.contains(&format!("`{}`", hook["id"].as_str().unwrap())), "{hook}");
        for key in ["id", "name", "entry", "language"] {
            assert!(hook[key].is_string(), "{key}: {hook}");
        }
    }
}

/// With pre-commit on the PATH, in a repository of its own that uses the hooks of this one.
#[test]
fn pre_commit_runs_the_hooks() {
    let has_it = Command::new("pre-commit")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_it {
        eprintln!("SKIPPED: there is no `pre-commit` on the path");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (hooks, user) = (folder.path().join("hooks"), folder.path().join("user"));
    let git = |directory: &Path, arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "-c",
            "commit.gpgsign=false",
        ];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(directory)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for directory in [&hooks, &user] {
        fs::create_dir(directory).unwrap();
        git(directory, &["init", "--quiet"]);
    }
    fs::copy(
        root().join(".pre-commit-hooks.yaml"),
        hooks.join(".pre-commit-hooks.yaml"),
    )
    .unwrap();
    git(&hooks, &["add", "."]);
    git(&hooks, &["commit", "--quiet", "--message", "hooks"]);
    let revision = git(&hooks, &["rev-parse", "HEAD"]);
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n  - id: raygate-check-system\n  - id: raygate-test-system\n    args: [mine]\n",
        hooks.display()
    );
    fs::write(user.join(".pre-commit-config.yaml"), config).unwrap();
    fs::create_dir(user.join("mine")).unwrap();
    let policy = "apiVersion: raygate.dev/v1beta1\nkind: RayPolicy\nmetadata: {name: a}\nspec: {match: {}, limits: {maxGpusPerJob: 1}}\n";
    let case = "name: a\nfrom: ../job.yaml\nwant: {verdict: Allow}\n";
    fs::write(user.join("mine/a.yaml"), policy).unwrap();
    fs::write(user.join("mine/a.test.yaml"), case).unwrap();
    fs::copy(root().join("docs/examples/3-completed.yaml"), user.join("job.yaml")).unwrap();
    fs::write(user.join("other.yaml"), "a: 1\n").unwrap();

    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(RAYGATE, bin.join("raygate")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = || {
        git(&user, &["add", "."]);
        let mut command = Command::new("pre-commit");
        command
            .args(["run", "--all-files"])
            .current_dir(&user)
            .env("PATH", &path);
        command
            .env("PRE_COMMIT_HOME", folder.path().join("cache"))
            .output()
            .unwrap()
    };
    let good = run();
    assert!(good.status.success(), "{}", text(&good));
    assert_eq!(text(&good).matches("Passed").count(), 2, "{}", text(&good));
    // A broken policy fails both hooks, a rejected object the first.
    fs::write(user.join("mine/a.yaml"), policy.replace("limits", "limit")).unwrap();
    let broken = run();
    assert!(
        !broken.status.success() && text(&broken).contains("did you mean `limits`?"),
        "{}",
        text(&broken)
    );
    fs::write(user.join("mine/a.yaml"), policy).unwrap();
    fs::copy(root().join("docs/examples/1-rejected.yaml"), user.join("rejected.yaml")).unwrap();
    let denied = run();
    assert!(
        !denied.status.success() && text(&denied).contains("RG501"),
        "{}",
        text(&denied)
    );
}

#[test]
fn man_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(RAYGATE)
        .arg("man")
        .arg(folder.path().join("man"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    for command in raygate::cli::command()
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let page = folder
            .path()
            .join("man")
            .join(format!("raygate-{}.1", command.get_name()));
        assert!(page.is_file(), "{}", page.display());
    }
}

/// The script of a release parses, and what it copies exists.
#[test]
fn the_release_script_is_sound() {
    let script = root().join(".ci/release");
    let parsed = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(parsed.status.success(), "{}", text(&parsed));
    let script = fs::read_to_string(script).unwrap();
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        assert!(script.contains(file) && root().join(file).is_file(), "{file}");
    }
    let project = fs::read_to_string(root().join("pyproject.toml")).unwrap();
    assert!(project.contains("bindings = \"bin\"") && project.contains("name = \"raygate\""));
}
