//! Statements about any input.

use proptest::prelude::*;
use raygate::yaml::{Limits, Node, NodeValue, Reading, Step, emit, is_json};
use serde_json::{Map, Value};

use super::Outcome;

/// Small limits, so that they are met often.
const TIGHT: Limits = Limits {
    bytes: 400,
    nodes: 60,
    depth: 6,
    lookahead: 120,
};

/// Pieces of YAML and JSON in any order.
fn soup() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "a",
        "b",
        "key",
        "'",
        "\"",
        "\\",
        ":",
        ": ",
        "- ",
        "-",
        "? ",
        "?",
        ", ",
        ",",
        "[",
        "]",
        "{",
        "}",
        "#",
        " # ",
        "&x ",
        "*x",
        "&y",
        "*y ",
        "!",
        "!!str ",
        "!!int ",
        "!x ",
        "!<",
        "|",
        "|-",
        ">+",
        ">2",
        "\n",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "\n\t",
        " ",
        "  ",
        "\t",
        "\r\n",
        "\r",
        "---",
        "---\n",
        "\n---\n",
        "\n...\n",
        "%YAML 1.2\n",
        "%TAG ! x:\n",
        "%",
        "@",
        "`",
        "<<",
        "<<: ",
        "1",
        "0",
        "010",
        "1e3",
        ".5",
        "yes",
        "~",
        "null",
        "true",
        "é",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "\0",
        "\u{1f600}",
        "\\n",
        "\\u00e9",
        "\\ud83d",
        "\\x41",
        "\\\n",
        "''",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// Strings that YAML could take for something else, and others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        ".{0,12}",
        "[-a-z0-9:.,#_ '\"\\\\\n\t\\[\\]{}&*!|>%@`?=~<+]{0,12}",
        "[-+]?[0-9_]{1,4}([.:eExob][-+]?[0-9_]{0,4})?",
        "(a|  b|\n){1,6}",
        prop::sample::select(vec![
            "yes",
            "No",
            "on",
            "y",
            "null",
            "~",
            "<<",
            "=",
            "---",
            "...",
            ".inf",
            "2026-12-31",
            ""
        ])
        .prop_map(String::from),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Value::from),
        (-1000i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..5)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Every span lies in the text and between characters; children lie in their parents unless they come from an alias.
fn check_spans(node: &Node, text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.get(node.span.start..node.span.end).is_some(), "{:?}", node);
    match &node.value {
        NodeValue::Sequence(items) => items.iter().try_for_each(|item| check_spans(item, text)),
        NodeValue::Mapping(entries) => entries.iter().try_for_each(|entry| {
            prop_assert!(text.get(entry.key.span.start..entry.key.span.end).is_some());
            check_spans(&entry.value, text)
        }),
        _ => Ok(()),
    }
}

fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    for limits in [TIGHT, Limits::policies()] {
        for reading in [Reading::Cautious, Reading::Kubectl] {
            let outcome = Outcome::within(bytes, reading, &limits);
            let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
            let counts: Vec<usize> = outcome.documents.iter().map(Node::count).collect();
            prop_assert!(counts.iter().all(|count| *count <= limits.nodes));
            if !is_json(&text) {
                prop_assert!(counts.iter().sum::<usize>() <= limits.nodes);
            }
            for document in &outcome.documents {
                check_spans(document, &text)?;
            }
            for diagnostic in &outcome.diagnostics {
                prop_assert!(
                    outcome
                        .sources
                        .location(diagnostic.primary.as_ref().unwrap().0)
                        .is_some()
                );
                prop_assert!(!diagnostic.render(&outcome.sources, true).is_empty());
                prop_assert_eq!(diagnostic.concise(&outcome.sources).lines().count(), 1);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes)?;
    }

    #[test]
    fn any_text_is_survived(text in "(?s).{0,100}") {
        survives(text.as_bytes())?;
    }

    #[test]
    fn any_soup_is_survived(text in soup()) {
        survives(text.as_bytes())?;
        survives(format!("{{{text}").as_bytes())?;
        survives(format!("k:\n  {text}").as_bytes())?;
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it(value in value(), pretty in any::<bool>()) {
        let value = Value::from(vec![value]);
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let outcome = Outcome::of(&text);
        prop_assert_eq!(outcome.lines(), Vec::<String>::new());
        prop_assert_eq!(outcome.values(), [value]);
    }

    #[test]
    fn what_serde_json_refuses_is_refused(text in soup().prop_map(|text| format!("[{text}]"))) {
        let outcome = Outcome::of(&text);
        let duplicate = outcome.diagnostics.iter().any(|diagnostic| diagnostic.code == "RY203");
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => prop_assert!(duplicate || outcome.values() == [value]),
            Err(_) => prop_assert!(!outcome.diagnostics.is_empty() || outcome.documents.len() > 1),
        }
    }

    #[test]
    fn what_is_emitted_is_read_back(value in value()) {
        let text = emit(&value);
        for reading in [Reading::Cautious, Reading::Kubectl] {
            let outcome = Outcome::within(&text, reading, &Limits::policies());
            prop_assert_eq!(outcome.lines(), Vec::<String>::new(), "{}", text);
            prop_assert_eq!(outcome.values(), std::slice::from_ref(&value), "{}", text);
        }
        prop_assert_eq!(emit(&value), text);
    }

    #[test]
    fn a_place_within_a_string_is_what_stands_there(content in text(), json in any::<bool>()) {
        let mut value = Map::new();
        value.insert("k".into(), content.clone().into());
        let value = Value::Object(value);
        let written = if json { value.to_string() } else { emit(&value) };
        let outcome = Outcome::of(&written);
        let node = outcome.documents[0].at(&[Step::Key("k")]).unwrap();
        let source = outcome.sources.get(node.span.source).unwrap();
        for (at, c) in content.char_indices() {
            let span = node.within(source, at..at + c.len_utf8());
            let slice = source.slice(span);
            let exact = slice == c.to_string() || slice == "''" || slice.starts_with('\\');
            prop_assert!(exact || c == '\n' && slice.trim().is_empty(), "{written:?}: {at} {c:?} is {slice:?}");
        }
    }
}
