//! RG509 denies no start parameter with which bash runs `ray start` as it should: generated values, in the command that KubeRay
//! makes of them, are run by bash itself with a stand-in for `ray`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use raygate::engine::admit::answer_as_is;
use raygate::engine::{Bundle, Operation, Request};
use raygate::json::Tree;
use raygate::policy::PolicySet;
use raygate::policy::settings::Action;
use raygate::ray::shell::{self, Braces};
use serde_json::json;

/// What values are made of. No piece runs anything but `true`, `echo` and `printf`.
const PIECES: &[&str] = &[
    "x",
    "1",
    " ",
    " ",
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    "$((",
    "$[",
    "]",
    ")",
    "))",
    "(",
    "${A:-1}",
    "${A",
    "}",
    "$A",
    "$?",
    "{",
    ":",
    "#",
    " #",
    ";",
    "; true ",
    "&",
    "|",
    "\n",
    "echo 1",
    "$'",
    "$'\\''",
    "case x in x) echo 1;; esac",
    "--y=2",
    "-",
    "true",
    "printf 2",
    "*",
    "~",
    "!",
];

/// Reads values that NUL ends, and says for each whether `ray` gets `start`, options alone, and the last of them.
const JUDGE: &str = r#"
enable -n kill exec exit 2>/dev/null
while IFS= read -r -d '' value; do
    result=$(
        cd / || exit
        PATH=
        ray() {
            local first=$1 word last=; shift
            [[ $first == start ]] || return
            for word; do [[ $word == -* ]] || return; last=$word; done
            [[ $last == --z=1 ]] && builtin printf '%s' works >&9
        }
        { eval "ulimit -n 64; ray start --head  --a=$value  --z=1 " </dev/null >/dev/null 2>&1; } 9>&1
    )
    case $result in *works*) echo works;; *) echo fails;; esac
done
"#;

/// What values with braces are made of: none has anything that bash runs or puts in.
const BRACED: &[&str] = &[
    "{",
    "{",
    "{",
    "{",
    "}",
    "}",
    "}",
    "}",
    ",",
    ",",
    ",",
    ",",
    "\\\"a\\\":1",
    "'\"b\":2'",
    "1",
    "x",
    "[",
    "]",
    "..",
    ".",
    "\\{",
    "\\}",
    "\\,",
    "'{'",
    "'}'",
    "\"{,\"",
    "\"}\"",
    "','",
    "'{\"c\":3}'",
    "{\\\"d\\\":4}",
    "{1,2}",
    "$\"\"",
    "~",
];

/// Reads values that NUL ends, and prints for each the last word that `ray` gets, with NUL behind; `!` where bash cannot read it.
const LAST_WORD: &str = r#"
set -f
while IFS= read -r -d '' value; do
    words=()
    ray() { words=("$@"); }
    if eval "ray --a=$value " 2>/dev/null; then printf '%s\0' "${words[-1]}"; else printf '!\0'; fi
done
"#;

/// Values from a fixed sequence of numbers.
fn values(pieces: &[&str], most: usize) -> Vec<String> {
    let mut state: u64 = 20_261_126;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..3_000)
        .map(|_| (0..=next(most)).map(|_| pieces[next(pieces.len())]).collect())
        .collect()
}

fn denied(bundle: &Bundle, key: &str, value: &str) -> bool {
    let object = json!({"metadata": {"name": "train"}, "spec": {"rayClusterSpec": {"headGroupSpec": {
        "rayStartParams": {key: value, "z": "1"}, "template": {"spec": {"containers": [{"name": "ray-head"}]}}}}}});
    let request = Request {
        operation: Operation::Create,
        namespace: "a".to_owned(),
        user: String::new(),
        object: Tree::of(&object).unwrap(),
        old: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        facts: raygate::facts::Facts::none(),
    };
    let outcome = answer_as_is(bundle, request);
    let mut found = outcome.findings.iter();
    found.any(|judged| judged.code() == "RG509" && judged.action == Action::Deny)
}

/// What bash writes of the values; `None` where there is no bash.
fn by_bash(script: &str, values: &[String]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let bash = Command::new("bash")
        .args(["-c", script])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut bash) = bash else {
        eprintln!("SKIPPED: there is no bash here to compare with");
        return None;
    };
    let input = values.join("\0") + "\0";
    let mut pipe = bash.stdin.take().unwrap();
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = String::from_utf8(bash.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap().unwrap();
    Some(output)
}

#[test]
fn what_bash_can_run_is_not_denied() {
    let values = values(PIECES, 5);
    let Some(output) = by_bash(JUDGE, &values) else { return };
    let works: Vec<bool> = output.lines().map(|line| line == "works").collect();
    assert_eq!(works.len(), values.len());
    let bundle = Bundle::new(PolicySet::default());
    let (mut wrong, mut right) = (Vec::new(), 0);
    for (value, works) in values.iter().zip(works) {
        match (denied(&bundle, "a", value), works) {
            (true, true) => wrong.push(value),
            (true, false) => right += 1,
            (false, _) => {}
        }
    }
    assert!(wrong.is_empty(), "{} are denied and work: {wrong:?}", wrong.len());
    assert!(right > 500, "only {right} are denied");
}

/// Of an option that is given several times, `ray start` takes the last.
#[test]
fn braces_are_expanded_as_bash_expands_them() {
    let values = values(BRACED, 9);
    let Some(output) = by_bash(LAST_WORD, &values) else {
        return;
    };
    let words: Vec<&str> = output.split_terminator('\0').collect();
    assert_eq!(words.len(), values.len());
    let bundle = Bundle::new(PolicySet::default());
    let (mut wrong, mut expanded, mut works) = (Vec::new(), 0, 0);
    for (value, word) in values.iter().zip(words) {
        if shell::specials(value).next().is_some() {
            continue;
        }
        let word = word.strip_prefix("--a=").unwrap_or_else(|| panic!("{value}: {word}"));
        let last = match shell::last_of_braces(value) {
            Braces::Kept => value.clone(),
            Braces::Expanded(last) => {
                expanded += 1;
                last
            }
            Braces::Unknown => continue,
        };
        let Some(last) = shell::unquoted(&last) else {
            assert!(value.contains("$'"), "{value}");
            continue;
        };
        let is_json = serde_json::from_str::<BTreeMap<String, f64>>(word).is_ok();
        works += usize::from(is_json);
        if last != word || denied(&bundle, "resources", value) == is_json {
            wrong.push((value, word, last));
        }
    }
    assert!(wrong.is_empty(), "{}: {wrong:?}", wrong.len());
    assert!(expanded > 300 && works > 20, "{expanded} are expanded, {works} work");
}
