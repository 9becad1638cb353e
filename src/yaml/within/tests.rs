use crate::diag::{Source, Sources};
use crate::yaml::{Limits, Node, Reading, Step, parse};

/// What stands at the part of the string at `s` that is `part`.
fn place<'a>(sources: &'a mut Sources, text: &str, part: &str) -> &'a str {
    let id = sources.add("a.yaml", text);
    let (documents, diagnostics) = parse(id, text, Reading::Cautious, &Limits::policies());
    assert_eq!(diagnostics, []);
    let node = documents[0].at(&[Step::Key("s")]).unwrap();
    let start = node.as_str().unwrap().find(part).unwrap();
    let source = sources.get(id).unwrap();
    source.slice(node.within(source, start..start + part.len()))
}

#[test]
fn every_style_maps_back() {
    let cases = [
        ("s: a + bad\n", "bad", "bad"),
        ("s: a +\n  bad\n", "bad", "bad"),
        ("s: 'it''s bad'\n", "bad", "bad"),
        ("s: 'it''s bad'\n", "t's", "t''s"),
        ("s: \"a\\tb\\u00e9 \\\"bad\\\"\"\n", "bad", "bad"),
        ("s: \"a\\tb\\u00e9 \\\"bad\\\"\"\n", "\u{e9}", "\\u00e9"),
        ("s: \"a \\\n   bad\"\n", "bad", "bad"),
        ("s: \"a\n\n   \\x41 bad\"\n", "bad", "bad"),
        ("s: |\n  one\n    two\n\n  bad\n", "bad", "bad"),
        ("s: |\n  one\n    two\n\n  bad\n", "two", "two"),
        ("s: |\r\n  one\r\n    two\r\n\r\n  bad\r\n", "bad", "bad"),
        ("s: |\n\n\n  bad\n", "bad", "bad"),
        ("s: &x |-\n  one\n  bad\n", "bad", "bad"),
        ("s: >-\n  one\n  two\n\n  bad\n", "bad", "bad"),
        ("s: !!str >\n  größe\n  bad\n", "bad", "bad"),
        ("{\"s\": \"\\ud83d\\ude00 \\/bad\"}", "bad", "bad"),
        ("{\"s\": \"\\ud83d\\ude00 \\/bad\"}", "\u{1f600}", "\\ud83d\\ude00"),
    ];
    for (text, part, expected) in cases {
        assert_eq!(place(&mut Sources::new(), text, part), expected, "{text:?}");
    }
}

fn node_of(sources: &mut Sources, text: &str) -> (Node, Source) {
    let id = sources.add("a.yaml", text);
    let (documents, _) = parse(id, text, Reading::Cautious, &Limits::policies());
    (documents[0].clone(), sources.get(id).unwrap().clone())
}

#[test]
fn what_has_no_place_gets_the_whole() {
    let (root, source) = node_of(&mut Sources::new(), "a: &x abc\ns: *x\nn: 12\n");
    let aliased = root.get("s").unwrap();
    assert_eq!(source.slice(aliased.within(&source, 0..3)), "*x");
    let number = root.get("n").unwrap();
    assert_eq!(source.slice(number.within(&source, 0..1)), "12");
    let text = root.get("a").unwrap();
    assert_eq!(source.slice(text.within(&source, 2..9)), "abc");
}

#[test]
fn an_empty_range_is_a_point() {
    let (root, source) = node_of(&mut Sources::new(), "s: 'abc'\n");
    let node = root.get("s").unwrap();
    for (at, column) in [(0, 5), (2, 7), (3, 8)] {
        let span = node.within(&source, at..at);
        assert_eq!((span.start, source.location(span.start).column), (span.end, column));
    }
}
