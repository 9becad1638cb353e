//! YAML as `sigs.k8s.io/yaml` reads it. KubeRay uses it for YAML inside strings: `runtimeEnvYAML` and `serveConfigV2`.
//!
//! That reader is lenient. It reads the first document only, takes the last of duplicate keys, accepts merge keys and
//! keys that are numbers, and reads an empty text as null. Where this project's own reader rejects more, the text is
//! changed until both agree, or left unread.

mod relax;
mod tags;

use std::fmt;

use crate::diag::{Diagnostic, Location, SourceId, Sources, Span};
use crate::yaml::{self, Limits, Node, NodeValue, Reading, Style};

/// The most places at which a text is changed into what our reader accepts too; one with more is left unread.
const TRIES: usize = 8;

/// Why `sigs.k8s.io/yaml` rejects a text. It prints as the end of a sentence and repeats nothing of the text, which may
/// hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A directive asks for another version than 1.1.
    OtherVersion,
    /// The text is not YAML in this line, counted from 1.
    NotYaml {
        /// The line.
        line: usize,
    },
    /// A tag in this line, counted from 1, does not fit its value.
    Tag {
        /// The line.
        line: usize,
    },
}

impl Refusal {
    /// The line in which it is.
    pub fn line(self) -> usize {
        match self {
            Self::OtherVersion => 1,
            Self::NotYaml { line } | Self::Tag { line } => line,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherVersion => f.write_str("is in another version of YAML than 1.1"),
            Self::NotYaml { line } => write!(f, "is not YAML in line {line}"),
            Self::Tag { line } => write!(f, "has a tag in line {line} that does not fit its value"),
        }
    }
}

/// What [`read`] makes of a text.
pub type Outcome = Result<Option<Document>, Refusal>;

/// The first document of a text.
#[derive(Debug)]
pub struct Document {
    root: Node,
    /// The changed text, which the spans of the tree are in, and the text as it was written.
    sources: Sources,
    written: SourceId,
    /// Pairs of a byte in the changed text and the byte in the written text that it comes from, in order. Up to the next
    /// pair, both texts are equal.
    shifts: Vec<(usize, usize)>,
    differences: Vec<Diagnostic>,
    next: Option<usize>,
}

impl Document {
    /// Its value; null where the document is empty.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Where our tree may differ from what the lenient reader sees: duplicate keys, of which the tree has the first and
    /// that reader the last; merge keys, which the tree leaves out; and tags.
    pub fn differences(&self) -> &[Diagnostic] {
        &self.differences
    }

    /// The line in which a second document begins, counted from 1. The lenient reader does not read it.
    pub fn next(&self) -> Option<usize> {
        self.next
    }

    /// The text of a span of the tree.
    pub fn slice(&self, span: Span) -> &str {
        self.sources.get(span.source).map_or("", |source| source.slice(span))
    }

    /// Where a span of the tree begins in the text.
    pub fn location(&self, span: Span) -> Location {
        let after = self.shifts.partition_point(|(changed, _)| *changed <= span.start);
        let shift = after.checked_sub(1).and_then(|at| self.shifts.get(at));
        let byte = shift.map_or(0, |(changed, written)| written + (span.start - changed));
        let place = self.sources.location(Span::new(self.written, byte, byte));
        place.unwrap_or(Location { line: 1, column: 1 })
    }
}

/// The pairs of [`Document::shifts`]: the changed text differs from the written one in blanks, and begins with `marker`
/// bytes more.
fn shifts(changed: &str, written: &str, marker: usize) -> Vec<(usize, usize)> {
    let solid = |text: &str| {
        let characters = text.char_indices();
        characters
            .filter(|(_, character)| !matches!(character, ' ' | '\t'))
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    let mut shifts: Vec<(usize, usize)> = Vec::new();
    let changed = solid(changed.get(marker..).unwrap_or_default());
    for (changed, written) in changed.into_iter().map(|at| at + marker).zip(solid(written)) {
        let is_aligned = shifts
            .last()
            .is_some_and(|(from, to)| changed - from == written.wrapping_sub(*to));
        if !is_aligned {
            shifts.push((changed, written));
        }
    }
    shifts
}

/// Reads a text. `None` where only the lenient reader itself could tell: the text is larger than the limits, or has more
/// places than we change.
///
/// # Errors
/// What the lenient reader rejects.
pub fn read(text: &str, limits: &Limits) -> Outcome {
    let whole = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = first_document(whole);
    let next = next_document(text, whole);
    // What YAML 1.1 takes for line ends, and byte order marks within the text, our reader sees otherwise.
    if text.len() > limits.bytes || text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']) {
        return Ok(None);
    }
    if has_other_version(text) {
        return Err(Refusal::OtherVersion);
    }
    // Text in braces would be read as JSON, strictly.
    let marker = if yaml::is_json(text) { "---\n" } else { "" };
    let mut marked = format!("{marker}{}", relax::without_inner_tabs(text));
    let line = |marked: &str, at: usize| {
        let before = marked.get(marker.len()..at).unwrap_or_default();
        1 + before.matches('\n').count()
    };
    let not_yaml = |marked: &str, at: usize| Err(Refusal::NotYaml { line: line(marked, at) });
    if let Some(at) = leading_tab(&marked, marker.len()) {
        return not_yaml(&marked, at);
    }
    for _ in 0..TRIES {
        let (mut sources, root, diagnostics) = parse(&marked, limits);
        let Some(error) = diagnostics.iter().find(|error| is_refused(error, &marked, limits)) else {
            let Some(root) = root else { return Ok(None) };
            if let Some(at) = trailing_tab(&marked, &root) {
                return not_yaml(&marked, at);
            }
            if let Some(at) = tags::first_misfit(&marked, &root, &diagnostics) {
                return Err(Refusal::Tag {
                    line: line(&marked, at),
                });
            }
            return Ok(Some(Document {
                root,
                written: sources.add("", text),
                sources,
                shifts: shifts(&marked, text, marker.len()),
                differences: diagnostics.into_iter().filter(differs).collect(),
                next,
            }));
        };
        match relax::relaxed(&marked, error) {
            Some(text) => marked = text,
            None => return not_yaml(&marked, relax::place(error)),
        }
    }
    Ok(None)
}

/// Whether our tree may differ from that of the lenient reader because of this.
fn differs(diagnostic: &Diagnostic) -> bool {
    matches!(&*diagnostic.code, "RY203" | "RY205" | "RY206")
}

/// The only document of a text, null where it is empty and `None` where it cannot be read, and what our reader says of it.
fn parse(text: &str, limits: &Limits) -> (Sources, Option<Node>, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let source = sources.add("", text);
    let (mut documents, diagnostics) = yaml::parse(source, text, Reading::Kubectl, limits);
    let null = || Node {
        span: Span::new(source, 0, 0),
        style: Style::Plain,
        value: NodeValue::Null,
    };
    let is_read = !diagnostics.iter().any(Diagnostic::is_error);
    let root = documents.pop().or_else(|| is_read.then(null));
    (sources, root, diagnostics)
}

/// Whether the lenient reader rejects what ours does.
fn is_refused(diagnostic: &Diagnostic, text: &str, limits: &Limits) -> bool {
    let seen = diagnostic
        .primary
        .as_ref()
        .and_then(|(span, _)| text.get(span.start..span.end))
        .unwrap_or_default();
    diagnostic.is_error()
        && match &*diagnostic.code {
            "RY102" | "RY202" | "RY207" => true,
            "RY201" => !seen.starts_with('!') && !is_behind_the_root(text, relax::place(diagnostic), limits),
            // Keys that are numbers or booleans are taken, null and collections are not.
            "RY204" => matches!(seen, "" | ":" | "~" | "null" | "Null" | "NULL") || seen.starts_with(['[', '{']),
            // JSON has no infinity; a number that is only too large is taken for text.
            "RY209" => seen.trim_start_matches(['+', '-']).starts_with('.'),
            _ => false,
        }
}

/// Whether an error stands behind the first complete value, where the lenient reader stops: behind the brackets of a
/// collection, or at a line that is indented less than the mapping.
fn is_behind_the_root(text: &str, at: usize, limits: &Limits) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let (_, Some(root), diagnostics) = parse(before, limits) else {
        return false;
    };
    if diagnostics
        .iter()
        .any(|error| matches!(&*error.code, "RY201" | "RY202" | "RY207"))
        || root.as_mapping().is_none()
    {
        return false;
    }
    let line = |at: usize| {
        before
            .get(..at)
            .map_or(0, |before| before.rfind('\n').map_or(0, |end| end + 1))
    };
    let indent = |line: usize| {
        let rest = before.get(line..).unwrap_or_default();
        rest.len() - rest.trim_start_matches(' ').len()
    };
    match root.style {
        Style::Flow => root.span.end <= at,
        Style::Block => at - line(at) < indent(line(root.span.start)),
        _ => false,
    }
}

/// Where a tab stands before the first character that counts.
fn leading_tab(text: &str, from: usize) -> Option<usize> {
    let blank = text.get(from..)?.bytes().take_while(u8::is_ascii_whitespace).count();
    let at = text.get(from..from + blank)?.find('\t')?;
    Some(from + at)
}

/// Where a line that is empty but for a tab stands behind a mapping in block style.
fn trailing_tab(text: &str, root: &Node) -> Option<usize> {
    let content = text.trim_ascii_end().len();
    let at = text.get(content..)?.find("\n\t")?;
    (root.style == Style::Block).then_some(content + at + 1)
}

/// The text up to the end of its first document, beyond which the lenient reader does not read.
fn first_document(text: &str) -> &str {
    let (mut at, mut has_begun) = (0, false);
    for line in text.split_inclusive('\n') {
        let is_marker = |marker| {
            line.strip_prefix(marker)
                .is_some_and(|rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let begins = is_marker("---");
        if has_begun && (begins || is_marker("...")) {
            return text.get(..at).unwrap_or(text);
        }
        has_begun |= begins || !(line.starts_with(['#', '%']) || line.trim_ascii().is_empty());
        at += line.len();
    }
    text
}

/// The line behind the first document, if more than markers and comments follows.
fn next_document(first: &str, whole: &str) -> Option<usize> {
    let has_content = |line: &str| {
        let marker = ["---", "..."].iter().find_map(|marker| line.strip_prefix(*marker));
        let content = marker.unwrap_or(line).trim_ascii();
        !content.is_empty() && !content.starts_with('#')
    };
    let rest = whole.get(first.len()..)?;
    rest.lines().any(has_content).then(|| 1 + first.matches('\n').count())
}

/// Whether a directive asks for another version than 1.1, the only one that the lenient reader accepts.
fn has_other_version(text: &str) -> bool {
    text.lines()
        .take_while(|line| line.starts_with(['#', '%']) || line.trim_ascii().is_empty())
        .filter_map(|line| line.strip_prefix("%YAML"))
        .any(|version| version.split('#').next().unwrap_or_default().trim_ascii() != "1.1")
}

#[cfg(test)]
mod tests;
