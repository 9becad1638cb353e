use super::*;

const LIMITS: Limits = Limits {
    bytes: 1 << 12,
    nodes: 1000,
    depth: 32,
    lookahead: 1 << 12,
};

#[test]
fn the_first_document_ends_at_a_marker() {
    for (text, first) in [
        ("a: 1\n---\nb: 2", "a: 1\n"),
        ("---\na: 1\n--- # two\nb: 2", "---\na: 1\n"),
        ("# head\n---\na: 1\n...\nb", "# head\n---\na: 1\n"),
        ("a: |\n  ---\n  b\n", "a: |\n  ---\n  b\n"),
        ("----\n---x\n", "----\n---x\n"),
    ] {
        assert_eq!(first_document(text), first, "{text:?}");
    }
}

#[test]
fn places_are_those_of_the_text_as_written() {
    for (text, line, column) in [
        ("a: x", 1, 4),
        ("{a: x}", 1, 5),
        ("# one\n\na:\n  - x", 4, 5),
        ("b: [\n1]\na:\tx", 3, 4),
        ("b: \"1\n2\"\na: {c: [\nx]}", 4, 1),
    ] {
        let document = read(text, &LIMITS).unwrap().unwrap();
        let mut last = document.root().get("a").unwrap();
        while let Some(inner) = last
            .as_sequence()
            .and_then(|items| items.first())
            .or_else(|| last.get("c"))
        {
            last = inner;
        }
        assert_eq!(last.as_str(), Some("x"), "{text:?}");
        assert_eq!(document.location(last.span), Location { line, column }, "{text:?}");
    }
}

#[test]
fn differences_of_the_two_readers_are_known() {
    let differences = |text| read(text, &LIMITS).unwrap().unwrap().differences().len();
    assert_eq!(differences("a: 1\n2: b\nc: &d [1]\ne: *d"), 0);
    assert_eq!(differences("a: 1\na: 2"), 1);
    assert_eq!(differences("a: &x {b: 1}\nc: {<<: *x}"), 1);
    assert_eq!(differences("a: !foo 1"), 1);
}
