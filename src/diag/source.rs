//! The texts that diagnostics point into.

use std::sync::Arc;

/// How many bytes lie between two places of which it is known how many characters stand before them.
const STRIDE: usize = 4096;

/// Names one text of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one source: `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text it lies in.
    pub source: SourceId,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end` of a source.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        Self {
            source,
            start,
            end: end.max(start),
        }
    }

    /// The span from the beginning of this one to the end of another.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.source, self.start, other.end)
    }
}

/// A place as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The line, from 1. Lines end with LF or CRLF.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// One text and the name shown to people.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path, or another name for where the text came from.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// The byte where each line begins, in order.
    lines: Arc<[usize]>,
    /// How many characters begin before each multiple of [`STRIDE`] bytes: a column costs the same in a line of any
    /// length.
    characters: Arc<[usize]>,
    /// How many lines of the file stand before this text.
    before: usize,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name: name.into(),
            text: text.into(),
            lines,
            characters: characters(text),
            before: 0,
        }
    }

    /// The place of a byte. A byte past the end is the end; one inside a character is that character.
    pub fn location(&self, byte: usize) -> Location {
        let byte = self.boundary(byte);
        let line = self.before + self.lines.partition_point(|start| *start <= byte);
        let start = self.line_start(line);
        let column = self
            .characters_before(byte)
            .saturating_sub(self.characters_before(start));
        Location {
            line,
            column: column + 1,
        }
    }

    fn characters_before(&self, byte: usize) -> usize {
        let at = byte / STRIDE;
        let known = self.characters.get(at).copied().unwrap_or_default();
        known + beginnings(self.text.as_bytes().get(at * STRIDE..byte).unwrap_or_default())
    }

    /// The beginning of the character a byte belongs to; the end of the text for bytes past it.
    pub(super) fn boundary(&self, byte: usize) -> usize {
        (0..=byte.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }

    /// The byte where a line begins; lines count from 1, and one past the last begins at the end of the text.
    pub fn line_start(&self, line: usize) -> usize {
        self.lines
            .get(line.saturating_sub(self.before + 1))
            .copied()
            .unwrap_or(self.text.len())
    }

    /// A line without its line end; lines count from 1.
    pub fn line(&self, line: usize) -> &str {
        let text = self
            .text
            .get(self.line_start(line)..self.line_start(line + 1))
            .unwrap_or_default();
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// The bytes of a span, empty where it does not lie in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

fn characters(text: &str) -> Arc<[usize]> {
    let mut count = 0;
    let strides = text.as_bytes().chunks(STRIDE).map(|stride| {
        count += beginnings(stride);
        count
    });
    std::iter::once(0).chain(strides).collect()
}

/// How many characters begin in a piece of UTF-8.
fn beginnings(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The registry of texts. Cloning it is cheap: texts are shared.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
}

impl Sources {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a text under the name that people are shown.
    pub fn add(&mut self, name: &str, text: &str) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source::new(name, text));
        id
    }

    /// Says that a text is a part of its file: how many lines stand before it there.
    pub fn begins_after(&mut self, id: SourceId, lines: usize) {
        let source = usize::try_from(id.0).ok().and_then(|at| self.sources.get_mut(at));
        if let Some(source) = source {
            source.before = lines;
        }
    }

    /// What stands from a place to the end of its line, without a comment; the text is found by its name.
    pub fn rest_of_line(&self, name: &str, place: Location) -> Option<Span> {
        let index = self.sources.iter().position(|source| &*source.name == name)?;
        let source = self.sources.get(index)?;
        let line = source.line(place.line);
        let start = line.char_indices().nth(place.column.saturating_sub(1))?.0;
        let rest = line.get(start..)?;
        let rest = rest
            .find(" #")
            .and_then(|end| rest.get(..end))
            .unwrap_or(rest)
            .trim_end();
        let rest = rest.get(..end_in_flow(line.get(..start)?, rest)).unwrap_or(rest);
        let start = source.line_start(place.line) + start;
        Some(Span::new(
            SourceId(u32::try_from(index).ok()?),
            start,
            start + rest.len(),
        ))
    }

    /// The text of this name.
    pub fn named(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| &*source.name == name)
    }

    /// The text behind an id, if this registry gave it out.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(usize::try_from(id.0).ok()?)
    }

    /// The name behind an id; empty for an id of another registry.
    pub fn name(&self, id: SourceId) -> &str {
        self.get(id).map_or("", |source| &source.name)
    }

    /// Where a span begins.
    pub fn location(&self, span: Span) -> Option<Location> {
        self.get(span.source).map(|source| source.location(span.start))
    }

    /// Where a span ends: the place after its last character.
    pub fn end_location(&self, span: Span) -> Option<Location> {
        self.get(span.source).map(|source| source.location(span.end))
    }
}

/// Where an entry ends that begins inside braces or brackets: at the comma behind it, or where they close.
fn end_in_flow(before: &str, rest: &str) -> usize {
    let opened = |text: &str| text.matches(['{', '[']).count();
    let closed = |text: &str| text.matches(['}', ']']).count();
    if opened(before) <= closed(before) {
        return rest.len();
    }
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (Some(open), character) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']' | ',') if depth == 0 => return at,
            (None, '}' | ']') => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, byte: usize) -> (usize, usize) {
        let mut sources = Sources::new();
        let id = sources.add("a.yaml", text);
        let location = sources.location(Span::new(id, byte, byte)).unwrap();
        (location.line, location.column)
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(at("é: ü\nx", 3), (1, 3));
        assert_eq!(at("é: ü\nx", 7), (2, 1));
        assert_eq!(at("a\r\nb", 3), (2, 1));
    }

    #[test]
    fn columns_of_a_long_line_count_characters() {
        let text = format!("x\n{}", "aé大🚀".repeat(STRIDE));
        let source = Source::new("a", &text);
        for (count, (byte, _)) in text.char_indices().skip(2).enumerate() {
            let place = Location {
                line: 2,
                column: count + 1,
            };
            assert_eq!(source.location(byte), place, "byte {byte}");
        }
        assert_eq!(source.location(text.len()).column, 4 * STRIDE + 1);
    }

    #[test]
    fn bytes_inside_a_character_or_past_the_end_are_legal() {
        assert_eq!(at("é", 1), (1, 1));
        assert_eq!(at("ab\n", 100), (2, 1));
        assert_eq!(at("", 0), (1, 1));
    }

    #[test]
    fn lines_lose_their_ends() {
        let source = Source::new("a", "one\r\ntwo\nthree");
        assert_eq!([1, 2, 3, 4].map(|line| source.line(line)), ["one", "two", "three", ""]);
    }

    #[test]
    fn a_part_of_a_file_counts_its_lines_from_there() {
        let mut sources = Sources::new();
        let id = sources.add("log.jsonl", "{\n}");
        sources.begins_after(id, 40);
        let source = sources.get(id).unwrap();
        assert_eq!((source.location(0).line, source.location(2).line), (41, 42));
        assert_eq!((source.line(41), source.line(42), source.line(1)), ("{", "}", ""));
    }

    #[test]
    fn the_rest_of_a_line_ends_before_its_comment() {
        let mut sources = Sources::new();
        let id = sources.add("a.yaml", "x:\n  RG203: Deny  # why\n");
        let span = sources.rest_of_line("a.yaml", Location { line: 2, column: 3 }).unwrap();
        assert_eq!(sources.get(id).unwrap().slice(span), "RG203: Deny");
        assert_eq!(sources.rest_of_line("b.yaml", Location { line: 2, column: 3 }), None);
    }

    #[test]
    fn an_id_of_another_registry_has_no_place() {
        let mut other = Sources::new();
        other.add("a", "");
        let id = other.add("b", "");
        assert_eq!(Sources::new().location(Span::new(id, 0, 0)), None);
        assert_eq!(Sources::new().name(id), "");
    }
}
