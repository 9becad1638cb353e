//! From a range of a scalar's value to where it stands in the source.

use std::ops::Range;

use super::node::{Node, NodeValue, Style};
use crate::diag::{Source, Span};

impl Node {
    /// The place of some bytes of a string's value, for errors inside it (an expression, a pattern): escapes, quotes,
    /// line folding and indentation are accounted for. The node's own span where it is no string, where the range is
    /// not in it, or where the value comes from an alias.
    pub fn within(&self, source: &Source, range: Range<usize>) -> Span {
        let NodeValue::String(value) = &self.value else {
            return self.span;
        };
        self.align(source.slice(self.span), value, &range)
            .map_or(self.span, |(start, end)| {
                Span::new(
                    self.span.source,
                    self.span.start + start,
                    self.span.start + end.max(start),
                )
            })
    }

    /// Walks value and written text together, and notes where the range begins and ends.
    fn align(&self, written: &str, value: &str, range: &Range<usize>) -> Option<(usize, usize)> {
        if range.end > value.len() || range.start > range.end {
            return None;
        }
        let quoted = matches!(self.style, Style::SingleQuoted | Style::DoubleQuoted);
        let mut at = usize::from(quoted);
        let mut start = None;
        let mut end = at;
        let mut begun = false;
        for (byte, c) in value.char_indices() {
            if byte >= range.end && start.is_some() {
                return Some((start?, end));
            }
            // Empty lines before the first of a block scalar lie before its span.
            if !begun && c == '\n' && matches!(self.style, Style::Literal | Style::Folded) {
                continue;
            }
            begun = true;
            let (from, to) = self.next(written, at, c)?;
            if byte >= range.start && start.is_none() {
                start = Some(from);
                end = from;
            }
            if byte < range.end {
                end = to;
            }
            at = to;
        }
        // A range at the end, or one in the line ends that the span leaves out.
        let start = start.unwrap_or(at);
        Some((start, if range.is_empty() { start } else { end.max(start) }))
    }

    /// Where the next character of the value is written, from a byte on; `None` where the texts do not fit.
    fn next(&self, written: &str, at: usize, c: char) -> Option<(usize, usize)> {
        let rest = written.get(at..)?;
        let Some(first) = rest.chars().next() else {
            // The line ends after a block scalar are not in its span.
            return matches!(c, '\n').then_some((at, at));
        };
        match (self.style, first) {
            (Style::DoubleQuoted, '\\') => {
                let width = escape_width(rest);
                if rest.get(1..)?.starts_with(['\n', '\r']) {
                    let folded = rest.get(1..)?.trim_start_matches([' ', '\t', '\r', '\n']);
                    return self.next(written, written.len() - folded.len(), c);
                }
                Some((at, at + width))
            }
            (Style::SingleQuoted, '\'') => rest.starts_with("''").then_some((at, at + 2)),
            _ if first == c => Some((at, at + first.len_utf8())),
            (_, '\r') if c == '\n' && rest.starts_with("\r\n") => Some((at, at + 2)),
            // A folded line end: one space, or as many line ends as there are empty lines.
            (_, '\n' | '\r' | ' ' | '\t') if matches!(c, ' ' | '\n') => {
                let folded = rest.trim_start_matches([' ', '\t', '\r', '\n']);
                Some((at, written.len() - folded.len()))
            }
            // Indentation, and blanks before a folded line end.
            (_, '\n' | '\r' | ' ' | '\t') => {
                let folded = rest.trim_start_matches([' ', '\t', '\r', '\n']);
                let next = written.len() - folded.len();
                folded
                    .starts_with(c)
                    .then_some((next, next + c.len_utf8()))
                    .or_else(|| self.escaped(written, next, c))
            }
            // More line ends than the written text shows at this place.
            _ if c == '\n' => Some((at, at)),
            _ => None,
        }
    }

    /// The character after skipped white space, where that is escaped.
    fn escaped(&self, written: &str, at: usize, c: char) -> Option<(usize, usize)> {
        let quoted = matches!(self.style, Style::SingleQuoted | Style::DoubleQuoted);
        let starts = written.get(at..)?.starts_with(['\\', '\'']);
        if quoted && starts {
            self.next(written, at, c)
        } else {
            None
        }
    }
}

/// The bytes of an escape in double quotes, a surrogate pair of JSON as one.
fn escape_width(escape: &str) -> usize {
    match escape.as_bytes().get(1) {
        Some(b'x') => 4,
        Some(b'u') => {
            let high = escape.get(2..6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
            if high.is_some_and(|code| (0xd800..0xdc00).contains(&code)) {
                12
            } else {
                6
            }
        }
        Some(b'U') => 10,
        Some(_) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        None => 1,
    }
}

#[cfg(test)]
mod tests;
