//! The exact extent of a scalar: the parser's spans include tags, anchors and what follows on the line.

use saphyr_parser::ScalarStyle;

/// The bytes of a scalar's own text, from those that the parser names for it.
pub(super) fn scalar(
    text: &str,
    (start, end): (usize, usize),
    style: ScalarStyle,
    value: &str,
    has_properties: bool,
) -> (usize, usize) {
    let start = if has_properties {
        skip_properties(text, start)
    } else {
        start
    };
    let rest = text.get(start..).unwrap_or_default();
    match style {
        ScalarStyle::Plain => (start, if value.is_empty() { start } else { end.max(start) }),
        ScalarStyle::SingleQuoted => (start, start + single_quoted(rest)),
        ScalarStyle::DoubleQuoted => (start, start + double_quoted(rest)),
        ScalarStyle::Literal | ScalarStyle::Folded => {
            let start = if has_properties {
                skip_header(text, start)
            } else {
                start
            };
            let content = text.get(start..end.max(start)).unwrap_or_default();
            (start, start + content.trim_end().len())
        }
    }
}

/// Skips anchors, tags, and the white space and comments after them.
pub(super) fn skip_properties(text: &str, start: usize) -> usize {
    let mut rest = text.get(start..).unwrap_or_default();
    while rest.starts_with(['&', '!']) {
        let end = rest.find([' ', '\t', '\r', '\n', ',', ']', '}']).unwrap_or(rest.len());
        rest = skip_blank(rest.get(end..).unwrap_or_default());
    }
    text.len() - rest.len()
}

/// The bytes of the tag among the properties that begin at `start`.
pub(super) fn tag(text: &str, start: usize) -> (usize, usize) {
    let mut at = start;
    while let Some(rest) = text.get(at..).filter(|rest| rest.starts_with(['&', '!'])) {
        let width = rest.find([' ', '\t', '\r', '\n', ',', ']', '}']).unwrap_or(rest.len());
        if rest.starts_with('!') {
            return (at, at + width);
        }
        at = text.len() - skip_blank(rest.get(width..).unwrap_or_default()).len();
    }
    (start, start)
}

fn skip_blank(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches([' ', '\t', '\r', '\n']);
        if !text.starts_with('#') {
            return text;
        }
        text = text.find('\n').and_then(|end| text.get(end..)).unwrap_or_default();
    }
}

/// Skips the `|` line of a block scalar, empty lines, and the indentation of its first line.
fn skip_header(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let content = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or_default();
    text.len() - content.trim_start_matches([' ', '\r', '\n']).len()
}

/// The length of a scalar in single quotes; two of them stand for one.
fn single_quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a scalar in double quotes; a backslash escapes the next character.
fn double_quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
