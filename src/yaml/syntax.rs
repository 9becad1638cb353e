//! The words for what is wrong with a YAML text.

use saphyr_parser::{ScanError, Tag};

use super::Limits;
use super::codes;
use super::node::Node;
use super::position::Positions;
use super::scalar::{self, Scalar};
use crate::diag::{Diagnostic, SourceId, Span, shorten};

/// What the parser says, what it means, and what to do.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "quoted scalar, found unexpected",
        "this quoted string is never closed",
        "add the closing quote",
    ),
    (
        "trailing content after double-quoted",
        "there is text after the closing quote",
        "put the whole value in one pair of quotes; inside them write \\\" for a double quote and '' for a single one",
    ),
    (
        "unknown escape character",
        "there is an unknown escape in this double-quoted string",
        "write \\\\ for a backslash, or use single quotes, which know no escapes",
    ),
    (
        "hexadecimal number",
        "an escape in this double-quoted string lacks hexadecimal digits",
        "write \\\\ for a backslash",
    ),
    (
        "invalid Unicode character escape",
        "an escape in this double-quoted string is no Unicode character",
        "write the character itself",
    ),
    (
        "mapping values are not allowed",
        "a `:` stands where no key can be",
        "put the value in quotes if the colon belongs to it; otherwise check the indentation of this line",
    ),
    (
        "block sequence entries are not allowed",
        "a list entry (`- `) stands where none can be",
        "begin the list on its own line, indented as much as its key or more",
    ),
    (
        "simple key",
        "a key stands here without a `:` after it",
        "write `key: value`, with a space after the colon",
    ),
    (
        "expected ',' or ']'",
        "this list in brackets is not closed, or lacks a comma",
        "add the `,` or the `]`; a text with brackets or braces in it goes in quotes",
    ),
    (
        "expected ',' or '}'",
        "this mapping in braces is not closed, or lacks a comma",
        "add the `,` or the `}`; a text with brackets or braces in it goes in quotes",
    ),
    (
        "misplaced bracket",
        "a closing bracket stands here without an opening one",
        "remove it, or quote the value",
    ),
    (
        "did not find expected key",
        "this line fits neither the mapping before it nor its parent",
        "indent all keys of a mapping alike",
    ),
    (
        "did not find expected '-' indicator",
        "this line fits neither the list before it nor its parent",
        "indent all entries of a list alike",
    ),
    (
        "invalid indentation in quoted scalar",
        "this quoted string is not closed before a line that is indented less",
        "add the closing quote, or indent the lines that continue it",
    ),
    (
        "illegal placement of ':'",
        "a `:` stands where no key can be",
        "a key in brackets begins after a comma; close the bracket before this line if it should be closed",
    ),
    (
        "valid YAML whitespace",
        "a tab stands where a space has to be",
        "write a space after the `:` or `-`",
    ),
    (
        "document end marker before directive",
        "a directive (`%`) stands within a document",
        "end the document with a line `...` before it, or put the value in quotes",
    ),
    (
        "invalid indentation",
        "this line is indented less than what it continues",
        "indent it further",
    ),
    (
        "wrongly indented line in block scalar",
        "this line of a block of text is indented less than the first",
        "indent it as the first line",
    ),
    (
        "found unknown anchor",
        "there is no anchor of this name before the alias",
        "mark a value with `&name` before using `*name`",
    ),
    (
        "expected <document start>",
        "there is something after the end of the document",
        "begin another document with a line `---`",
    ),
    (
        "unexpected character",
        "a plain value cannot begin with this character",
        "put the value in quotes",
    ),
    (
        "unexpected end of plain scalar",
        "a value was expected here",
        "write the value, or put it in quotes",
    ),
    (
        "did not find expected node content",
        "a value was expected here",
        "write the value, or \"\" for an empty string",
    ),
    (
        "comment intercepting the multiline text",
        "a comment stands within a value of several lines",
        "put the comment before the value, or the value in quotes",
    ),
];

/// The diagnostic for an error of the parser; `open` is the bracket that was not closed yet.
pub(super) fn error(error: &ScanError, positions: &Positions<'_>, open: Option<Span>, limits: &Limits) -> Diagnostic {
    let at = positions.byte(error.marker().index());
    if error.info() == "recursion limit exceeded" {
        return too_deep(positions.character(at), limits.depth);
    }
    let names_tab = error.info().contains("tab");
    let tab = if names_tab {
        tab_after(positions.text, at)
    } else {
        tab_before(positions.text, at)
    };
    if let Some(tab) = tab.filter(|_| names_tab || open.is_none()) {
        return self::tab(positions.character(tab));
    }
    let ended = at >= positions.text.trim_end().len();
    if let Some(open) = open.filter(|_| ended) {
        return Diagnostic::error(codes::YAML_SYNTAX, "the document ends before this bracket is closed")
            .at(open, "opened here")
            .help("add the closing bracket");
    }
    let place = if ended {
        last_character(positions)
    } else {
        positions.character(at)
    };
    let known = MESSAGES.iter().find(|(info, ..)| error.info().contains(info));
    let message = known.map_or_else(
        || format!("not YAML: {}", error.info()),
        |(_, message, _)| (*message).to_string(),
    );
    let mut diagnostic = Diagnostic::error(codes::YAML_SYNTAX, message).at(place, "");
    if let Some(open) = open {
        diagnostic = diagnostic.and_at(open, "opened here");
    }
    match known {
        Some((_, _, help)) => diagnostic.help(*help),
        None => diagnostic,
    }
}

/// The last character that is not white space: where a text that ends too early ends.
fn last_character(positions: &Positions<'_>) -> Span {
    let text = positions.text.trim_end();
    positions.character(text.char_indices().next_back().map_or(0, |(at, _)| at))
}

/// For a tab where only spaces may be.
pub(super) fn tab(place: Span) -> Diagnostic {
    Diagnostic::error(codes::TAB, "a tab is used as indentation")
        .at(place, "this is a tab")
        .help("indent with spaces only")
}

/// A tab in the indentation of the line of a byte.
pub(super) fn tab_before(text: &str, at: usize) -> Option<usize> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    tab_in_indentation(text.get(start..)?).map(|tab| start + tab)
}

/// The first tab in the indentation of the line of a byte or of a later one: the parser names the beginning of what
/// the tab interrupts.
fn tab_after(text: &str, at: usize) -> Option<usize> {
    let mut start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    for line in text.get(start..)?.split_inclusive('\n') {
        if let Some(tab) = tab_in_indentation(line) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

fn tab_in_indentation(line: &str) -> Option<usize> {
    let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
    line.get(..indentation)?.find('\t')
}

/// The first character that YAML allows nowhere in a stream (production 1, `c-printable`).
pub(super) fn control_character(source: SourceId, text: &str) -> Option<Diagnostic> {
    let forbidden =
        |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}') || matches!(c, '\u{fffe}' | '\u{ffff}');
    let (at, c) = text.char_indices().find(|(_, c)| forbidden(*c))?;
    let mut diagnostic = Diagnostic::error(
        codes::CONTROL_CHARACTER,
        format!("the text holds the control character U+{:04X}", u32::from(c)),
    )
    .at(Span::new(source, at, at + c.len_utf8()), "");
    diagnostic = match c {
        '\0' => diagnostic.help("if the file is encoded as UTF-16 or UTF-32, save it as UTF-8"),
        _ => diagnostic.help("remove it, or write it as an escape in a double-quoted string"),
    };
    Some(diagnostic)
}

pub(super) fn too_deep(place: Span, depth: usize) -> Diagnostic {
    let message = format!("collections are nested more than {depth} levels deep");
    Diagnostic::error(codes::TOO_DEEP, message).at(place, "this one is too deep")
}

pub(super) fn too_many_anchored(place: Span, most: usize) -> Diagnostic {
    let message = format!(
        "the anchors (`&name`) of this document mark more than {most} values, those within others counted again"
    );
    Diagnostic::error(codes::TOO_MANY_NODES, message)
        .at(place, "")
        .help("do not put anchors within anchored values")
}

pub(super) fn too_long(place: Span, lookahead: usize) -> Diagnostic {
    let message = format!("this value or collection in brackets is longer than {lookahead} characters");
    Diagnostic::error(codes::TOO_LONG, message)
        .at(place, "it begins here")
        .help("write a collection in block style, one entry on each line")
}

pub(super) fn key_not_string(text: &str, meaning: &Scalar, span: Span) -> Diagnostic {
    let text = shorten(text, 60);
    let kind = match meaning {
        Scalar::Null => "null",
        Scalar::Bool(_) => "a boolean",
        _ => "a number",
    };
    let (message, help) = if text.is_empty() {
        (
            "a value stands here without a key".to_string(),
            "write the key before the colon".to_string(),
        )
    } else {
        (
            format!("the key `{text}` is {kind}, and keys must be strings"),
            format!("put it in quotes: \"{text}\""),
        )
    };
    Diagnostic::error(codes::KEY_NOT_STRING, message)
        .at(span, "")
        .help(help)
}

/// For a key that is a collection, or an alias of one; its value is dropped.
pub(super) fn complex_key(key: &Node) -> Diagnostic {
    Diagnostic::error(
        codes::KEY_NOT_STRING,
        format!("this key is {}, and keys must be strings", key.kind()),
    )
    .at(key.span, "")
    .help("if a text in braces is meant, as in a template, put it in quotes")
}

pub(super) fn merge_key(span: Span) -> Diagnostic {
    Diagnostic::error(codes::MERGE_KEY, "merge keys (`<<`) are not supported")
        .at(span, "")
        .help("write the merged keys out, or put \"<<\" in quotes if it is a key of that name")
}

pub(super) fn unfinished_alias(name: &str, place: Span) -> Diagnostic {
    Diagnostic::error(
        codes::ALIAS,
        format!("the alias `{name}` stands within the value that it stands for"),
    )
    .at(place, "")
    .help("write the value out")
}

pub(super) fn tag(tag: &Tag, place: Span, what: &str) -> Diagnostic {
    let core = tag.is_yaml_core_schema() && SCHEMA.contains(&tag.suffix.as_str());
    let prefix = if tag.is_yaml_core_schema() {
        "!!".to_string()
    } else {
        shorten(&tag.handle, 40)
    };
    let name = format!("{prefix}{}", shorten(&tag.suffix, 40));
    let message = if core {
        format!("the tag `{name}` does not fit {what}")
    } else {
        format!("the tag `{name}` is not supported")
    };
    Diagnostic::error(codes::TAG, message)
        .at(place, "")
        .help("remove the tag")
}

const SCHEMA: &[&str] = &["str", "int", "float", "bool", "null", "map", "seq"];

/// The meaning of a scalar with a tag of the core schema, if the tag fits it.
pub(super) fn tagged(tag: &Tag, text: &str) -> Option<Scalar> {
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Some(Scalar::Text);
    }
    if !tag.is_yaml_core_schema() {
        return None;
    }
    match (tag.suffix.as_str(), scalar::core(text)) {
        ("str", _) => Some(Scalar::Text),
        ("null", Scalar::Null) => Some(Scalar::Null),
        ("bool", found @ Scalar::Bool(_)) => Some(found),
        ("int", Scalar::Number(number)) if !number.is_f64() => Some(Scalar::Number(number)),
        ("float", Scalar::Number(number)) => number
            .as_f64()
            .and_then(serde_json::Number::from_f64)
            .map(Scalar::Number),
        ("float", Scalar::NotFinite) => Some(Scalar::NotFinite),
        _ => None,
    }
}
