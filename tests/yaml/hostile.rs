//! Input made to exhaust the reader. What is asserted is the diagnostic, and that nothing beyond a limit was built:
//! the reader counts nodes before it makes them.

use std::fmt::Write as _;

use raygate::yaml::{Limits, Node, Reading};

use super::Outcome;

fn nodes(outcome: &Outcome) -> usize {
    outcome.documents.iter().map(Node::count).sum()
}

#[test]
fn a_file_of_ten_megabytes_is_not_read() {
    let outcome = Outcome::of("a: 1\n".repeat(2 << 20));
    assert_eq!(
        outcome.lines(),
        ["a.yaml:1:1: error[RY103]: the file has 10485760 bytes, more than the 1048576 allowed"]
    );
    assert_eq!(nodes(&outcome), 0);
}

#[test]
fn a_manifest_of_ten_megabytes_is_read_or_refused_by_its_nodes() {
    let document = "kind: RayJob\nspec: {a: [1, 2, 3]}\n---\n";
    let text = document.repeat((10 << 20) / document.len());
    let limits = Limits {
        nodes: 100_000,
        ..Limits::manifests()
    };
    let outcome = Outcome::within(&text, Reading::Kubectl, &limits);
    assert_eq!(
        outcome.lines(),
        [
            "a.yaml:30001:1: error[RY104]: with this mapping the file has 100001 values and keys, more than the 100000 allowed"
        ]
    );
    assert!(nodes(&outcome) <= limits.nodes);
    let value = "x".repeat((10 << 20) - 100);
    let outcome = Outcome::within(
        format!("{{\"a\": \"{value}\"}}"),
        Reading::Kubectl,
        &Limits::manifests(),
    );
    assert_eq!(
        outcome.documents[0].get("a").and_then(Node::as_str).map(str::len),
        Some(value.len())
    );
}

/// Each line is a list of ten of the line before.
fn bomb(lines: usize) -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for line in 1..lines {
        let aliases = vec![format!("*a{}", line - 1); 10].join(", ");
        writeln!(text, "a{line}: &a{line} [{aliases}]").unwrap();
    }
    text
}

#[test]
fn an_alias_bomb_ends_at_the_alias_that_is_too_much() {
    let outcome = Outcome::of(bomb(9));
    assert_eq!(
        outcome.lines(),
        [
            "a.yaml:5:10: error[RY104]: with the alias `*a3`, which stands for 11111 of them, the file \
          has 23462 values and keys, more than the 20000 allowed"
        ]
    );
    assert_eq!(nodes(&outcome), 0);
    let harmless = Outcome::of(bomb(3));
    assert_eq!((harmless.lines(), nodes(&harmless)), (vec![], 1 + 3 + 11 + 111 + 1111));
}

#[test]
fn anchors_within_anchors_are_not_copied_without_bound() {
    let mut text = String::from("a: ");
    for level in 0..60 {
        write!(text, "&x{level} [").unwrap();
    }
    write!(text, "{}{}", "1, ".repeat(5_000), "]".repeat(60)).unwrap();
    let outcome = Outcome::of(text);
    assert_eq!(outcome.diagnostics[0].code, "RY104");
    assert!(outcome.diagnostics[0].message.starts_with("the anchors (`&name`)"));
}

#[test]
fn the_budget_holds_for_all_documents_together() {
    let document = format!("---\n{}", bomb(3));
    let outcome = Outcome::of(document.repeat(20));
    assert_eq!(outcome.places().len(), 1);
    assert!(outcome.places()[0].ends_with("RY104"), "{:?}", outcome.places());
    assert!(nodes(&outcome) <= 20_000);
    assert!(!outcome.documents.is_empty());
}

#[test]
fn aliases_cannot_stand_for_themselves_or_for_another_document() {
    assert_eq!(Outcome::of("a: &a [*a]\n").places(), ["1:8 RY207"]);
    assert_eq!(Outcome::of("a: &a {b: *a}\n").places(), ["1:11 RY207"]);
    assert_eq!(Outcome::of("a: &a 1\n---\nb: *a\n").places(), ["3:4 RY201"]);
}

#[test]
fn aliases_cannot_dig_deeper_than_text_can() {
    let mut text = String::from("a0: &a0 [x]\n");
    for line in 1..70 {
        writeln!(text, "a{line}: &a{line} [*a{}]", line - 1).unwrap();
    }
    let outcome = Outcome::of(text);
    assert_eq!(
        outcome.lines(),
        ["a.yaml:64:12: error[RY105]: collections are nested more than 64 levels deep"]
    );
}

#[test]
fn a_hundred_thousand_brackets() {
    let many = 100_000;
    for (text, place) in [
        (format!("a: {}", "[".repeat(many)), "1:259 RY105"),
        (format!("a: {}", "{".repeat(many)), "1:259 RY105"),
        (format!("a: {}{}", "[".repeat(100), "]".repeat(100)), "1:67 RY105"),
        ("[".repeat(many), "1:65 RY105"),
        ("{\"a\":".repeat(many), "1:321 RY105"),
        (format!("{}{}", "[".repeat(many), "]".repeat(many)), "1:65 RY105"),
        ("- ".repeat(many), "1:129 RY105"),
        ("? ".repeat(many), "1:129 RY105"),
        ("]".repeat(many), "1:1 RY201"),
    ] {
        let outcome = Outcome::of(&text);
        assert_eq!(outcome.places(), [place], "{}", &text[..20]);
        assert_eq!(nodes(&outcome), 0);
    }
}

#[test]
fn deep_indentation() {
    let mut text = String::new();
    for depth in 0..1000 {
        writeln!(text, "{}k:", " ".repeat(depth)).unwrap();
    }
    assert_eq!(Outcome::of(text).places(), ["65:65 RY105"]);
}

#[test]
fn the_deepest_that_is_allowed_is_read() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (text, limits) in [
        (nested(64), Limits::policies()),
        (format!("---\n{}", nested(64)), Limits::policies()),
        (nested(127), Limits::manifests()),
        (format!("---\n{}", nested(127)), Limits::manifests()),
    ] {
        let outcome = Outcome::within(text, Reading::Cautious, &limits);
        assert_eq!((outcome.lines(), nodes(&outcome)), (vec![], limits.depth));
    }
}

#[test]
fn brackets_are_not_held_in_memory_without_bound() {
    let text = format!("- 1\n- [{}]\n---\nc: 1\n", "x,".repeat(200_000));
    let outcome = Outcome::of(text);
    assert_eq!(
        outcome.lines(),
        ["a.yaml:2:3: error[RY106]: this value or collection in brackets is longer than 262144 characters"]
    );
    assert_eq!(outcome.values(), [serde_json::json!({"c": 1})]);
    for text in [
        format!("a: \"{}\"", "x ".repeat(200_000)),
        format!("a: |\n  {}", "x".repeat(400_000)),
    ] {
        assert_eq!(Outcome::of(text).diagnostics[0].code, "RY106");
    }
}

#[test]
fn broken_documents_cost_no_more_than_their_own_length() {
    // Were the rest of the file read again for each, this would be ten billion characters.
    let outcome = Outcome::within("a: [\n---\n".repeat(100_000), Reading::Cautious, &Limits::manifests());
    assert_eq!(outcome.diagnostics.len(), 101);
    assert_eq!(
        outcome.lines()[100].split(": ").last(),
        Some("99900 more diagnostics of this file are not shown")
    );
}

#[test]
fn many_equal_keys_are_found_at_once_and_counted() {
    let outcome = Outcome::within("k: 1\n".repeat(50_000), Reading::Cautious, &Limits::manifests());
    assert_eq!(outcome.diagnostics.len(), 101);
    assert_eq!(outcome.places()[0], "2:1 RY203");
    assert_eq!(nodes(&outcome), 3);
    let json = format!("{{{}\"k\":1}}", "\"k\":1,".repeat(50_000));
    let outcome = Outcome::within(json, Reading::Cautious, &Limits::manifests());
    assert_eq!((outcome.diagnostics.len(), nodes(&outcome)), (101, 3));
}

#[test]
fn errors_are_not_crowded_out_by_warnings() {
    let outcome = Outcome::of(format!(
        "{}k0: 1\n",
        (0..500).map(|i| format!("k{i}: yes\n")).collect::<String>()
    ));
    assert_eq!(outcome.diagnostics.len(), 101);
    assert_eq!(
        outcome
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .count(),
        1
    );
}

#[test]
fn long_names_are_shortened_in_messages() {
    let key = "k".repeat(1000);
    for line in Outcome::of(format!("{key}: 1\n{key}: 2\n{key}{key}: x\n")).lines() {
        assert!(line.chars().count() < 200, "{line}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let cases: [(&[u8], &str); 6] = [
        (
            b"a: M\xfcnchen\n",
            "a.yaml:1:5: error[RY101]: byte 4 of the file (0xfc) is not UTF-8",
        ),
        (
            b"\xef\xbb\xbfa: 1\nb: \xc3",
            "a.yaml:2:4: error[RY101]: the file ends within the UTF-8 character that begins at byte 11",
        ),
        (
            b"\xff\xfea\0:\0",
            "a.yaml:1:1: error[RY101]: the file is encoded as UTF-16, little-endian (by its byte order mark at byte 0), not as UTF-8",
        ),
        (
            b"a\0:\0 \x001\0",
            "a.yaml:1:2: error[RY102]: the text holds the control character U+0000",
        ),
        (
            b"a: 1\nb: \x1b[31m\n",
            "a.yaml:2:4: error[RY102]: the text holds the control character U+001B",
        ),
        (
            b"{\"a\": \"\x00\"}",
            "a.yaml:1:8: error[RY301]: the control character U+0000 stands in a string",
        ),
    ];
    for (bytes, expected) in cases {
        let outcome = Outcome::of(bytes);
        assert_eq!((outcome.lines(), nodes(&outcome)), (vec![expected.to_string()], 0));
    }
}

#[test]
fn what_is_never_closed() {
    for (text, place) in [
        ("a: \"open\n", "1:4 RY201"),
        ("a: 'open", "1:4 RY201"),
        ("a: \"open\nb: 1\n", "1:4 RY201"),
        ("a: [1, 2\n", "1:4 RY201"),
        ("a: [1, 2\nb: 3\n", "2:2 RY201"),
        ("a: {b: {c: 1}\n", "1:4 RY201"),
        ("{\"a\": [1", "1:8 RY301"),
        ("{\"a\": \"x", "1:7 RY301"),
    ] {
        let outcome = Outcome::of(text);
        assert_eq!(
            (outcome.places(), nodes(&outcome)),
            (vec![place.to_string()], 0),
            "{text:?}"
        );
    }
}
