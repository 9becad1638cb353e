//! The values of JSON. Recursion is bounded by the depth limit.

use serde_json::Number;

use super::string::{self, Bad};
use crate::diag::{Diagnostic, SourceId, Span, shorten};
use crate::yaml::keys::without_duplicates;
use crate::yaml::node::{Entry, Key, Node, NodeValue, Style};
use crate::yaml::report::Report;
use crate::yaml::{Limits, codes, syntax};

const NOT_YAML: &str = "text that begins with `{` or `[` is read as JSON; for YAML put a line `---` before it";

/// Boxed, because results are passed up through every level.
type Read<T> = Result<T, Box<Diagnostic>>;

/// Reads one value after the other from a part of a text.
pub(super) struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    limits: &'a Limits,
    nodes: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the bytes `start..end` of a text, which lie between characters.
    pub(super) fn new(source: SourceId, text: &'a str, start: usize, end: usize, limits: &'a Limits) -> Self {
        let text = text.get(..end).unwrap_or(text);
        Self {
            source,
            text,
            bytes: text.as_bytes(),
            at: start,
            limits,
            nodes: 0,
            depth: 0,
        }
    }

    /// Whether only white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at >= self.bytes.len()
    }

    /// The next value.
    pub(super) fn document(&mut self, report: &mut Report) -> Read<Node> {
        self.skip_space();
        self.value(report)
    }

    /// The diagnostic for what stands where the text should have ended.
    pub(super) fn after_the_value(&self) -> Box<Diagnostic> {
        self.error("there is something after the value")
            .help("one line holds one value")
            .into()
    }

    fn value(&mut self, report: &mut Report) -> Read<Node> {
        let start = self.at;
        self.count()?;
        match self.peek() {
            Some(b'{') => self.nested(report, Self::object),
            Some(b'[') => self.nested(report, Self::array),
            Some(b'"') => {
                let text = self.string()?;
                Ok(self.node(start, Style::DoubleQuoted, NodeValue::String(text)))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.literal(),
        }
    }

    fn nested(&mut self, report: &mut Report, read: fn(&mut Self, &mut Report) -> Read<NodeValue>) -> Read<Node> {
        let start = self.at;
        if self.depth >= self.limits.depth {
            return Err(syntax::too_deep(self.span(start, start + 1), self.limits.depth).into());
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self, report)?;
        self.depth -= 1;
        Ok(self.node(start, Style::Flow, value))
    }

    fn array(&mut self, report: &mut Report) -> Read<NodeValue> {
        let open = self.at - 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(NodeValue::Sequence(items));
        }
        loop {
            items.push(self.value(report)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(NodeValue::Sequence(items));
            }
            self.comma(open, b']')?;
        }
    }

    fn object(&mut self, report: &mut Report) -> Read<NodeValue> {
        let open = self.at - 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(NodeValue::Mapping(entries));
        }
        loop {
            let key = self.key(open)?;
            self.skip_space();
            if !self.take(b':') {
                return Err(self
                    .error("a `:` is missing after this key")
                    .and_at(key.span, "the key")
                    .into());
            }
            self.skip_space();
            entries.push(Entry {
                key,
                value: self.value(report)?,
            });
            self.skip_space();
            if self.take(b'}') {
                return Ok(NodeValue::Mapping(without_duplicates(entries, report)));
            }
            self.comma(open, b'}')?;
        }
    }

    fn key(&mut self, open: usize) -> Read<Key> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.count()?;
                let text = self.string()?;
                Ok(Key {
                    text,
                    span: self.span(start, self.at),
                })
            }
            None => Err(self.not_closed(open)),
            Some(_) => Err(self
                .error("a key in double quotes was expected here")
                .help(NOT_YAML)
                .into()),
        }
    }

    /// The comma between two elements, and the white space after it.
    fn comma(&mut self, open: usize, close: u8) -> Read<()> {
        let comma = self.at;
        if self.at >= self.bytes.len() {
            return Err(self.not_closed(open));
        }
        if !self.take(b',') {
            let message = format!("a `,` or `{}` was expected here", char::from(close));
            return Err(self
                .error(&message)
                .and_at(self.span(open, open + 1), "opened here")
                .into());
        }
        self.skip_space();
        if self.peek() == Some(close) {
            let diagnostic = Diagnostic::error(codes::JSON_SYNTAX, "JSON allows no comma after the last element");
            return Err(diagnostic.at(self.span(comma, comma + 1), "").help("remove it").into());
        }
        Ok(())
    }

    fn string(&mut self) -> Read<String> {
        let start = self.at;
        string::read(self.text, start)
            .map(|(text, end)| {
                self.at = end;
                text
            })
            .map_err(|Bad { at, end, message, help }| {
                let diagnostic = Diagnostic::error(codes::JSON_SYNTAX, message)
                    .at(self.span(at, end), "")
                    .help(help);
                let open = self.span(start, start + 1);
                Box::new(if at > start {
                    diagnostic.and_at(open, "in the string that begins here")
                } else {
                    diagnostic
                })
            })
    }

    fn number(&mut self) -> Read<Node> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        let span = self.span(start, start + end);
        if !is_number(text) {
            let message = format!("`{}` is not a number of JSON", shorten(text, 40));
            let diagnostic = Diagnostic::error(codes::JSON_SYNTAX, message).at(span, "");
            return Err(diagnostic
                .help("numbers are written as 12, -0.5 or 1e3; quote it if it is a string")
                .into());
        }
        let number = integer(text).or_else(|| Number::from_f64(text.parse().ok()?));
        let Some(number) = number else {
            let message = format!("the number `{}` is out of range", shorten(text, 40));
            return Err(Diagnostic::error(codes::NOT_FINITE, message).at(span, "").into());
        };
        self.at += end;
        Ok(self.node(start, Style::Plain, NodeValue::Number(number)))
    }

    fn literal(&mut self) -> Read<Node> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match rest.get(..end) {
            Some("null") => NodeValue::Null,
            Some("true") => NodeValue::Bool(true),
            Some("false") => NodeValue::Bool(false),
            _ if rest.is_empty() => return Err(self.error("the text ends where a value was expected").into()),
            _ => return Err(self.unknown(rest, end)),
        };
        self.at += end;
        Ok(self.node(start, Style::Plain, value))
    }

    fn unknown(&self, rest: &str, word: usize) -> Box<Diagnostic> {
        let diagnostic = self.error("a value was expected here");
        let diagnostic = match rest.get(..word) {
            Some(word @ ("True" | "False" | "None" | "NaN" | "Infinity" | "undefined")) => {
                diagnostic.help(format!("`{word}` is not JSON; write true, false, null or a number"))
            }
            _ if rest.starts_with('\'') => diagnostic.help("JSON strings are written in double quotes"),
            _ if rest.starts_with(['/', '#']) => diagnostic.help("JSON has no comments"),
            _ => diagnostic.help(NOT_YAML),
        };
        diagnostic.into()
    }

    fn not_closed(&self, open: usize) -> Box<Diagnostic> {
        self.error("the text ends before this bracket is closed")
            .and_at(self.span(open, open + 1), "opened here")
            .into()
    }

    /// A diagnostic for the next character, or for the last one where the text ends.
    fn error(&self, message: &str) -> Diagnostic {
        let (at, c) = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => (self.at, Some(c)),
            None => self
                .text
                .trim_end()
                .char_indices()
                .next_back()
                .map_or((0, None), |(at, c)| (at, Some(c))),
        };
        Diagnostic::error(codes::JSON_SYNTAX, message).at(self.span(at, at + c.map_or(0, char::len_utf8)), "")
    }

    fn count(&mut self) -> Read<()> {
        self.nodes += 1;
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let message = format!("there are more than the {} values and keys allowed", self.limits.nodes);
        let diagnostic = Diagnostic::error(codes::TOO_MANY_NODES, message);
        Err(diagnostic
            .at(self.span(self.at, self.at), "nothing is read from here on")
            .into())
    }

    fn node(&self, start: usize, style: Style, value: NodeValue) -> Node {
        Node {
            span: self.span(start, self.at),
            style,
            value,
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.peek() == Some(byte);
        self.at += usize::from(taken);
        taken
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// A 64-bit integer; `-0` is none, since only a float has that sign.
fn integer(text: &str) -> Option<Number> {
    match text.parse::<i64>() {
        Ok(0) if text.starts_with('-') => None,
        Ok(number) => Some(number.into()),
        Err(_) => text.parse::<u64>().ok().map(Number::from),
    }
}
