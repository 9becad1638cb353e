//! What is read from text that is as it should be, or nearly so.

use raygate::diag::Sources;
use raygate::yaml::{Limits, Reading, parse_json_lines};
use serde_json::json;

use super::Outcome;

#[test]
fn every_style_of_yaml() {
    let outcome = Outcome::of(
        "a: 1\nb: [x, {c: d}, 'e']\nc: |\n  one\n    two\n\nd: >-\n  fold\n  ed\ne: \"\\u00e9\\n\"\nf:\ng: !!str 12\n\
         h: &x {i: 0x1F}\nj: *x\nk:\n- - 1.5\n  - ~\n- true\nl: plain\n  going on\n",
    );
    assert_eq!(outcome.lines(), Vec::<String>::new());
    let expected = json!({
        "a": 1, "b": ["x", {"c": "d"}, "e"], "c": "one\n  two\n", "d": "fold ed", "e": "é\n", "f": null, "g": "12",
        "h": {"i": 31}, "j": {"i": 31}, "k": [[1.5, null], true], "l": "plain going on",
    });
    assert_eq!(outcome.values(), [expected]);
}

#[test]
fn documents_are_told_apart_and_empty_ones_are_none() {
    let outcome = Outcome::of("# head\n---\na: 1\n---\n---\n# nothing\n--- b\n...\n---\n- c\n");
    assert_eq!(outcome.values(), [json!({"a": 1}), json!("b"), json!(["c"])]);
    for empty in ["", "\n \n", "# only a comment\n", "---\n", "...\n", "---\n...\n"] {
        let outcome = Outcome::of(empty);
        assert_eq!((outcome.values(), outcome.lines()), (vec![], vec![]), "{empty:?}");
    }
}

#[test]
fn a_broken_document_does_not_take_the_others_with_it() {
    let outcome = Outcome::of("a: 1\n---\nb: \"open\n---\nc: [1,\n---\n d: 1\nd: 2\n---\ne: 5\n");
    assert_eq!(outcome.values(), [json!({"a": 1}), json!({"e": 5})]);
    assert_eq!(outcome.places(), ["3:4 RY201", "5:4 RY201", "8:1 RY201"]);
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "a: 1\nb: |\n  x\n  y\nc: 'p\n  q'\n---\n- d\n";
    let expected = Outcome::of(text).values();
    assert_eq!(Outcome::of(text.replace('\n', "\r\n")).values(), expected);
    assert_eq!(Outcome::of(format!("\u{feff}{text}")).values(), expected);
    assert_eq!(Outcome::of("\u{feff}{\"a\": 1}").values(), [json!({"a": 1})]);
    let broken = "\u{feff}a: 1\r\na: 2\r\n";
    assert_eq!(Outcome::of(broken).places(), ["2:1 RY203"]);
}

#[test]
fn a_block_of_text_at_the_end_gets_no_line_end_that_is_not_there() {
    for (text, value) in [
        ("a: |\n  x\n  y", "x\ny"),
        ("a: |\n  x\n", "x\n"),
        ("a: |-\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
    ] {
        assert_eq!(Outcome::of(text).values(), [json!({ "a": value })], "{text:?}");
    }
    assert_eq!(
        Outcome::of("a: |\n  x\n---\nb: |\n  y").values(),
        [json!({"a": "x\n"}), json!({"b": "y"})]
    );
}

#[test]
fn comments_cost_nothing() {
    let comments = "# why this is so\n".repeat(60_000);
    let outcome = Outcome::of(format!("{comments}a: 1\n{}", "# and so on\n".repeat(2_000)));
    assert_eq!((outcome.values(), outcome.lines()), (vec![json!({"a": 1})], vec![]));
    assert_eq!(Outcome::of(comments).lines(), Vec::<String>::new());
}

#[test]
fn positions_count_characters() {
    let outcome = Outcome::of("größe: {名: 1, 名: 2}\n");
    assert_eq!(
        outcome.lines(),
        ["a.yaml:1:15: error[RY203]: the key `名` stands twice in this mapping"]
    );
}

#[test]
fn manifests_are_read_as_kubectl_reads_them() {
    let text = "mode: 0644\nsuspend: yes\nport: 1_000\ntime: 1:30\n";
    let manifest = Outcome::within(text, Reading::Kubectl, &Limits::manifests());
    assert_eq!(
        manifest.values(),
        [json!({"mode": 420, "suspend": true, "port": 1000, "time": "1:30"})]
    );
    let policy = Outcome::of(text);
    assert_eq!(
        policy.values(),
        [json!({"mode": "0644", "suspend": "yes", "port": "1_000", "time": "1:30"})]
    );
    let warnings = ["1:7 RY208", "2:10 RY208", "3:7 RY208", "4:7 RY208"];
    assert_eq!(
        (manifest.places(), policy.places()),
        (warnings.map(String::from).into(), warnings.map(String::from).into())
    );
}

#[test]
fn ambiguous_scalars_in_quotes_are_strings_without_a_warning() {
    let outcome = Outcome::of("a: 'yes'\nb: \"010\"\nc: !!str on\n'no': |\n  off\n");
    assert_eq!(
        outcome.values(),
        [json!({"a": "yes", "b": "010", "c": "on", "no": "off\n"})]
    );
    assert_eq!(outcome.lines(), Vec::<String>::new());
}

#[test]
fn other_mistakes_leave_a_document_that_can_be_read_on() {
    let outcome = Outcome::of("a: 1\na: 2\n8: x\n? [k]\n: v\nb: .inf\nc: !x y\n<<: {d: 1}\n");
    assert_eq!(outcome.values(), [json!({"a": 1, "8": "x", "b": ".inf", "c": "y"})]);
    assert_eq!(
        outcome.places(),
        [
            "2:1 RY203",
            "3:1 RY204",
            "4:3 RY204",
            "6:4 RY209",
            "7:4 RY206",
            "8:1 RY205"
        ]
    );
}

#[test]
fn tabs_are_no_indentation_and_legal_elsewhere() {
    for (text, place) in [
        ("a:\n\tb: 1\n", "2:1 RY202"),
        ("a:\n  b: 1\n\tc: 1\n", "3:1 RY202"),
        ("a:\n  b:\n  \tc: 1\n", "3:3 RY202"),
        ("\ta: 1\n", "1:1 RY202"),
        ("a:\n\t- 1\n", "2:1 RY202"),
        ("a: |\n\tx\n", "2:1 RY202"),
    ] {
        assert_eq!(Outcome::of(text).places(), [place], "{text:?}");
    }
    let legal = Outcome::of("a: 1\t# one\nb: [\n  \t1,\t2\n  ]\nc: 'x\ty'\n\t\nd: |\n  x\n  \ty\n");
    assert_eq!(legal.lines(), Vec::<String>::new());
    assert_eq!(
        legal.values(),
        [json!({"a": 1, "b": [1, 2], "c": "x\ty", "d": "x\n\ty\n"})]
    );
}

#[test]
fn json_is_strict_and_tabs_are_white_space() {
    assert_eq!(
        Outcome::of("\n\t{\t\"a\"\t:\r\n[1, -2.5e1, \"\\u00e9\\ud83d\\ude00\"]}\n").values(),
        [json!({"a": [1, -25.0, "é😀"]})]
    );
    for (text, place) in [
        ("{a: 1}", "1:2 RY301"),
        ("[1, 2,]", "1:6 RY301"),
        ("[01]", "1:2 RY301"),
        ("[+1]", "1:2 RY301"),
        ("[.5]", "1:2 RY301"),
        ("[1.]", "1:2 RY301"),
        ("['a']", "1:2 RY301"),
        ("[1 2]", "1:4 RY301"),
        ("[1", "1:2 RY301"),
        ("{\"a\"}", "1:5 RY301"),
        ("{\"a\": }", "1:7 RY301"),
        ("{\"a\": 1", "1:7 RY301"),
        ("{\"a\": \"b\n\"}", "1:7 RY301"),
        ("[\"a\tb\"]", "1:4 RY301"),
        ("[\"\\x\"]", "1:3 RY301"),
        ("[\"\\ud800x\"]", "1:3 RY301"),
        ("[\"\\udc00\\udc00\"]", "1:3 RY301"),
        ("[nul]", "1:2 RY301"),
        ("[true] // done", "1:8 RY301"),
        ("[1e999]", "1:2 RY209"),
        ("{\"a\": 1, \"a\": 2}", "1:10 RY203"),
    ] {
        assert_eq!(Outcome::of(text).places(), [place], "{text:?}");
    }
}

#[test]
fn several_json_values_are_several_documents() {
    assert_eq!(Outcome::of("{\"a\": 1} [2]\n").values(), [json!({"a": 1}), json!([2])]);
    assert_eq!(
        Outcome::of("{\n\"a\": 1\n}\n{\n\"b\": 2\n}\n").values(),
        [json!({"a": 1}), json!({"b": 2})]
    );
    let lines = Outcome::of("{\"a\": 1}\n\n{\"b\":\n{\"c\": 3} x\n[\"d\"]\r\n");
    assert_eq!(lines.values(), [json!({"a": 1}), json!(["d"])]);
    assert_eq!(lines.places(), ["3:5 RY301", "4:10 RY301"]);
}

#[test]
fn json_lines_hold_one_value_each() {
    let text = "oops\n{\"a\": 1}\n  \n\"text\"\n{\"b\": 1} {\"c\": 1}\n[1]";
    let mut sources = Sources::new();
    let source = sources.add("audit.log", text);
    let (documents, diagnostics) = parse_json_lines(source, text, &Limits::manifests());
    let values: Vec<_> = documents.iter().map(|document| document.to_json()).collect();
    assert_eq!(values, [json!({"a": 1}), json!("text"), json!([1])]);
    let lines: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.concise(&sources))
        .collect();
    assert_eq!(
        lines,
        [
            "audit.log:1:1: error[RY301]: a value was expected here",
            "audit.log:5:10: error[RY301]: there is something after the value"
        ]
    );
}

#[test]
fn the_rayjobs_of_flyte_are_read_as_serde_json_reads_them() {
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rayjobs")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let expected: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let outcome = Outcome::within(&bytes, Reading::Kubectl, &Limits::manifests());
        assert_eq!(outcome.values(), std::slice::from_ref(&expected));
        let yaml = Outcome::within(raygate::yaml::emit(&expected), Reading::Kubectl, &Limits::manifests());
        assert_eq!((yaml.values(), yaml.lines()), (vec![expected], vec![]));
        files += 1;
    }
    assert_eq!(files, 10);
}
