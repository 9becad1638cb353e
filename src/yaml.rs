//! YAML and JSON as trees whose every node knows where it stands.
//!
//! [`read`] takes the bytes of a file to its documents and to every diagnostic about them; [`parse`] does so for text
//! that is registered already. Text that begins with `{` or `[` is JSON and read strictly (RFC 8259); everything else
//! is YAML 1.2 with the core schema. [`emit()`] writes YAML.
//!
//! Whatever the input, the work is bounded by [`Limits`] and nothing panics: the limits are checked while reading,
//! before anything is copied or grown.

mod builder;
mod codes;
mod decode;
mod emit;
mod input;
mod json;
mod keys;
mod limits;
mod node;
mod position;
mod report;
mod scalar;
mod split;
mod syntax;
mod within;

use std::ops::Range;

use crate::diag::{Diagnostic, SourceId, Sources, Span};

pub use codes::CODES;
pub use decode::{DecodeError, decode};
pub use emit::emit;
pub use node::{Entry, Key, Node, NodeValue, Step, Style};

pub use limits::{Limits, Reading};
pub use scalar::plain_value;

use report::Report;

/// Registers a file's text and reads it. Bytes that are not UTF-8 give one diagnostic and no document; a byte order
/// mark is not part of the text. The rest is as for [`parse`].
pub fn read(
    sources: &mut Sources,
    name: &str,
    bytes: &[u8],
    reading: Reading,
    limits: &Limits,
) -> (SourceId, Vec<Node>, Vec<Diagnostic>) {
    if bytes.len() > limits.bytes {
        let source = sources.add(name, "");
        return (source, Vec::new(), vec![too_large(source, bytes.len(), limits)]);
    }
    match decode(bytes) {
        Ok(text) => {
            let source = sources.add(name, text);
            let (documents, diagnostics) = parse(source, text, reading, limits);
            (source, documents, diagnostics)
        }
        Err(error) => {
            let source = sources.add(name, error.readable());
            (source, Vec::new(), vec![error.diagnostic(source)])
        }
    }
}

/// What [`read`] says of a file of so many bytes, where that is too large, for whoever does not read it at all.
pub fn refuse(sources: &mut Sources, name: &str, size: usize, limits: &Limits) -> Diagnostic {
    too_large(sources.add(name, ""), size, limits)
}

/// The root nodes of all documents of a text, and everything wrong with them, in the order of the text.
///
/// A document with a syntax error or past a limit is left out, and the next one is read. One with another error
/// (a duplicate key, of which the first counts; a key that is not a string, which is taken as its text, or left out
/// where it is a collection) is returned, so that its other mistakes can be found too: whoever uses a document must
/// look at [`crate::diag::any_error`] first. An empty document, as between two `---`, is no document.
///
/// JSON text holds one value; several one after the other, or one on each line as in JSON Lines, are as many
/// documents, see [`parse_json_lines`].
pub fn parse(source: SourceId, text: &str, reading: Reading, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    if text.len() > limits.bytes {
        return (Vec::new(), vec![too_large(source, text.len(), limits)]);
    }
    let mut report = Report::default();
    let documents = if is_json(text) {
        json::documents(source, text, limits, &mut report)
    } else {
        builder::documents(source, text, reading, limits, &mut report)
    };
    (documents, report.finish())
}

/// Line-delimited JSON, one value on each line: a broken line gives its diagnostic and the other lines are read.
/// Empty lines are allowed. The limits on nodes and depth hold for each line.
pub fn parse_json_lines(source: SourceId, text: &str, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    if text.len() > limits.bytes {
        return (Vec::new(), vec![too_large(source, text.len(), limits)]);
    }
    let mut report = Report::default();
    let documents = json::lines(source, text, limits, &mut report);
    (documents, report.finish())
}

/// The bytes of each document of a text, in order, broken documents included. Only white space and comments are outside.
/// JSON has no document markers: where a broken value ends is unknown, so JSON text is one document.
pub fn document_ranges(text: &str) -> Vec<Range<usize>> {
    if is_json(text) {
        return std::iter::once(0..text.len()).collect();
    }
    let pieces = split::documents(text).into_iter();
    pieces.map(|(start, piece)| start..start + piece.len()).collect()
}

/// Whether a text is read as JSON: its first character that is no white space is `{` or `[`.
pub fn is_json(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(['{', '['])
}

fn too_large(source: SourceId, size: usize, limits: &Limits) -> Diagnostic {
    let message = format!("the file has {size} bytes, more than the {} allowed", limits.bytes);
    Diagnostic::error(codes::TOO_LARGE, message)
        .at(Span::new(source, 0, 0), "")
        .help("split it into several files")
}
