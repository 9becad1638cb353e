//! A strict reader of JSON (RFC 8259) that keeps positions.

mod reader;
mod string;

use super::Limits;
use super::node::Node;
use super::report::Report;
use crate::diag::{Diagnostic, SourceId};
use reader::Reader;

/// Every value of a JSON text: usually one; several one after the other; or one on each line.
///
/// Where the first line is a whole value and more follows, the text is line-delimited and a broken line is skipped.
/// Otherwise the first error ends the reading.
pub(super) fn documents(source: SourceId, text: &str, limits: &Limits, report: &mut Report) -> Vec<Node> {
    if is_line_delimited(source, text, limits) {
        return lines(source, text, limits, report);
    }
    let mut documents = Vec::new();
    let mut reader = Reader::new(source, text, 0, text.len(), limits);
    while !reader.is_at_end() {
        match reader.document(report) {
            Ok(node) => documents.push(node),
            Err(diagnostic) => {
                report.push(*diagnostic);
                break;
            }
        }
    }
    documents
}

/// One value on each line that is not empty.
pub(super) fn lines(source: SourceId, text: &str, limits: &Limits, report: &mut Report) -> Vec<Node> {
    let mut documents = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if !line.trim_ascii().is_empty() {
            match line_value(Reader::new(source, text, start, end, limits), report) {
                Ok(node) => documents.push(node),
                Err(diagnostic) => report.push(*diagnostic),
            }
        }
        start = end;
    }
    documents
}

/// The one value of a line.
fn line_value(mut reader: Reader<'_>, report: &mut Report) -> Result<Node, Box<Diagnostic>> {
    let node = reader.document(report)?;
    if reader.is_at_end() {
        Ok(node)
    } else {
        Err(reader.after_the_value())
    }
}

fn is_line_delimited(source: SourceId, text: &str, limits: &Limits) -> bool {
    let text = text.trim_ascii_start();
    let Some((first, rest)) = text.split_once('\n') else {
        return false;
    };
    let reader = Reader::new(source, first, 0, first.len(), limits);
    !rest.trim_ascii().is_empty() && line_value(reader, &mut Report::default()).is_ok()
}
