//! The text and the JSON of each diagnostic.

use std::collections::BTreeSet;
use std::path::PathBuf;

use raygate::yaml::{CODES, Limits, Reading};
use serde_json::Value;

use super::Outcome;

const SMALL: Limits = Limits {
    bytes: 64,
    nodes: 12,
    depth: 3,
    lookahead: 40,
};

/// Code, what the case is about, text, limits.
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>, Limits)> {
    let policies = Limits::policies();
    let case = |code, name, text: &str, limits| (code, name, text.as_bytes().to_vec(), limits);
    vec![
        (
            "RY101",
            "latin-1",
            b"spec:\n  description: M\xfcnchen\n".to_vec(),
            policies,
        ),
        ("RY101", "utf-16", b"\xff\xfea\0:\0".to_vec(), policies),
        case("RY102", "escape", "spec:\n  description: \u{1b}[31mred\n", policies),
        case("RY103", "large", &"a: 1\n".repeat(20), SMALL),
        case("RY104", "bomb", "a: &a [1, 2]\nb: &b [*a, *a]\n", SMALL),
        case("RY105", "deep", "a:\n  b:\n    c:\n      d: 1\n", SMALL),
        case(
            "RY106",
            "long",
            "- 1\n- [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]\n",
            SMALL,
        ),
        case("RY107", "many", &"a: 1\n".repeat(103), policies),
        case("RY201", "colon", "message: need: more\n", policies),
        case("RY201", "quote", "a: \"open\nb: 1\n", policies),
        case("RY201", "bracket", "groups: [a, b\nname: x\n", policies),
        case(
            "RY201",
            "indentation",
            "spec:\n    mode: Enforce\n  priority: 1\n",
            policies,
        ),
        case("RY202", "tab", "spec:\n\tmode: Enforce\n", policies),
        case("RY203", "yaml", "spec:\n  ttl: 1\n  name: x\n  ttl: 2\n", policies),
        case("RY203", "json", "{\"ttl\": 1, \"ttl\": 2}\n", policies),
        case("RY204", "number", "ports:\n  8080: http\n", policies),
        case("RY204", "template", "name: {{ job }}\n", policies),
        case("RY205", "merge", "a: &a {x: 1}\nb:\n  <<: *a\n", policies),
        case("RY206", "local", "a: &x !secret name\n", policies),
        case("RY206", "unfit", "a: !!int two\n", policies),
        case("RY207", "self", "a: &a [1, *a]\n", policies),
        case("RY208", "word", "suspend: yes\n", policies),
        case("RY208", "octal", "mode: 010\n", policies),
        case("RY208", "underscore", "size: 1_000\n", policies),
        case("RY208", "key", "on: {x: 1}\n", policies),
        case("RY209", "infinite", "limit: .inf\n", policies),
        case("RY301", "yaml-in-braces", "{name: x}\n", policies),
        case("RY301", "comma", "{\n  \"a\": [1, 2],\n}\n", policies),
        case("RY301", "escape", "{\"a\": \"C:\\dir\"}\n", policies),
    ]
}

#[test]
fn each_reads_as_reviewed() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/yaml");
    let bless = std::env::var_os("RAYGATE_BLESS").is_some();
    let mut expected_files = BTreeSet::new();
    for (code, name, bytes, limits) in cases() {
        let Outcome {
            sources,
            mut diagnostics,
            ..
        } = Outcome::within(bytes, Reading::Cautious, &limits);
        diagnostics.retain(|diagnostic| diagnostic.code == code);
        assert!(!diagnostics.is_empty(), "{code} {name}");
        let rendered: Vec<String> = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.render(&sources, false) + "\n")
            .collect();
        let json: Value = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.to_json(&sources))
            .collect();
        let outputs = [
            ("txt", rendered.join("\n")),
            ("json", serde_json::to_string_pretty(&json).unwrap() + "\n"),
        ];
        for (extension, actual) in outputs {
            let file = format!("{code}-{name}.{extension}");
            let path = directory.join(&file);
            if bless {
                std::fs::write(&path, &actual).unwrap();
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(actual, expected, "{file}");
            expected_files.insert(file);
        }
    }
    let files = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let golden: BTreeSet<String> = files.filter(|file| !file.ends_with(".rs")).collect();
    assert_eq!(golden, expected_files, "files without a case");
}

#[test]
fn each_code_has_a_page_and_a_case() {
    let pages: Vec<&str> = CODES.iter().map(|page| page.code).collect();
    assert!(pages.is_sorted_by(|one, next| one < next));
    let cases: BTreeSet<&str> = cases().into_iter().map(|(code, ..)| code).collect();
    assert_eq!(pages.into_iter().collect::<BTreeSet<_>>(), cases);
    for page in CODES {
        assert!(!page.title.is_empty() && page.text.ends_with('.'), "{}", page.code);
    }
}
