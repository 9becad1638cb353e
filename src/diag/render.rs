//! The human form of a diagnostic: the lines it is about, underlined.

use std::collections::BTreeMap;

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Snippet};

use super::text::is_hidden;
use super::{Diagnostic, Severity, Source, SourceId, Sources, Span, one_line};

/// Lines of more characters are cut around what is underlined.
const LONG_LINE: usize = 160;
/// What is kept of a long line to the left of the first underlined character.
const BEFORE: usize = 40;
/// What is kept of a long line from the first underlined character on.
const AFTER: usize = 90;
/// Places in one file that are further apart, in lines, are shown as two snippets.
const FAR: usize = 50;

impl Diagnostic {
    /// The form for people: message, place, the lines with labels under them, help. Several lines, without a line end
    /// at the end. A span of several lines is underlined on its first.
    pub fn render(&self, sources: &Sources, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let views = self.views(sources);
        let mut group = Group::with_title(level.primary_title(one_line(&self.message)).id(self.code.as_ref()));
        for view in &views {
            group = group.element(view.snippet());
        }
        for help in &self.help {
            group = group.element(Level::NOTE.no_name().message(one_line(help)));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let text = renderer.render(&[group]);
        if views.iter().any(|view| !view.cut.is_empty()) {
            correct_columns(&text, &views)
        } else {
            text
        }
    }

    /// The snippets to show, the one with the primary place first.
    fn views<'a>(&self, sources: &'a Sources) -> Vec<View<'a>> {
        let mut views: Vec<View<'a>> = Vec::new();
        let places = self
            .primary
            .iter()
            .map(|place| (true, place))
            .chain(self.secondary.iter().map(|p| (false, p)));
        for (primary, (span, label)) in places {
            let Some(source) = sources.get(span.source) else {
                continue;
            };
            let mark = Mark::new(source, *span, one_line(label).into_owned(), primary);
            let near = views.iter_mut().find(|view| {
                view.id == span.source && view.marks.iter().any(|other| other.line.abs_diff(mark.line) <= FAR)
            });
            match near {
                Some(view) => view.marks.push(mark),
                None => views.push(View {
                    id: span.source,
                    source,
                    marks: vec![mark],
                    text: String::new(),
                    cut: BTreeMap::new(),
                }),
            }
        }
        views.iter_mut().for_each(View::lay_out);
        views
    }
}

/// One underlined range within one line.
struct Mark {
    line: usize,
    /// Bytes in the line, later in the laid out text.
    start: usize,
    end: usize,
    label: String,
    primary: bool,
}

impl Mark {
    fn new(source: &Source, span: Span, label: String, primary: bool) -> Self {
        let (start, end) = (source.boundary(span.start), source.boundary(span.end));
        let line = source.location(start).line;
        let begin = source.line_start(line);
        let text = source.line(line);
        let start = (start - begin).min(text.len());
        let end = if end - begin > text.len() {
            text.trim_end().len()
        } else {
            end - begin
        };
        Self {
            line,
            start,
            end: end.max(start),
            label,
            primary,
        }
    }
}

/// Some lines of one source that are shown together.
struct View<'a> {
    id: SourceId,
    source: &'a Source,
    marks: Vec<Mark>,
    /// The lines from the first marked one to the last.
    text: String,
    /// By line, how many characters its first shown character is further right in the file.
    cut: BTreeMap<usize, usize>,
}

impl View<'_> {
    fn first_line(&self) -> usize {
        self.marks.iter().map(|mark| mark.line).min().unwrap_or(1)
    }

    /// Writes the lines, cut where they are long, and moves the marks to where they are in that text.
    fn lay_out(&mut self) {
        let last = self.marks.iter().map(|mark| mark.line).max().unwrap_or(1);
        for line in self.first_line()..=last {
            let base = self.text.len();
            let shown = Shown::new(
                self.source.line(line),
                self.marks.iter().filter(|mark| mark.line == line),
            );
            let from = self.source.line_start(line) + shown.from;
            for mark in self.marks.iter_mut().filter(|mark| mark.line == line) {
                mark.start = base + shown.place(mark.start);
                mark.end = base + shown.place(mark.end);
            }
            if shown.from > 0 {
                // The ellipsis stands for one of them.
                self.cut
                    .insert(line, self.source.location(from).column.saturating_sub(2));
            }
            self.text.push_str(&shown.text);
            self.text.push('\n');
        }
        self.text.pop();
    }

    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let annotations = self.marks.iter().map(|mark| {
            let kind = if mark.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let label = (!mark.label.is_empty()).then_some(mark.label.as_str());
            kind.span(mark.start..mark.end).label(label)
        });
        Snippet::source(&self.text)
            .path(self.name())
            .line_start(self.first_line())
            .annotations(annotations)
    }

    fn name(&self) -> String {
        one_line(&self.source.name).into_owned()
    }
}

/// A line as it is shown: unprintable characters replaced one for one, long ones cut at both ends.
struct Shown {
    text: String,
    /// The byte of the line that is shown first; where it is not 0, an ellipsis stands for what is before it.
    from: usize,
    /// For each character of the line that is shown, its byte in the line and its byte in the text.
    bytes: Vec<(usize, usize)>,
}

impl Shown {
    fn new<'m>(line: &str, marks: impl Iterator<Item = &'m Mark>) -> Self {
        let (mut from, mut most) = (0, usize::MAX);
        if line.chars().nth(LONG_LINE).is_some() {
            let first = marks
                .min_by_key(|mark| (!mark.primary, mark.start))
                .map_or(0, |mark| mark.start);
            most = AFTER;
            for (byte, _) in line.get(..first).unwrap_or_default().char_indices().rev().take(BEFORE) {
                from = byte;
                most += 1;
            }
        }
        let mut shown = Self {
            text: String::new(),
            from,
            bytes: Vec::new(),
        };
        if from > 0 {
            shown.text.push('…');
        }
        let mut count = from;
        for (byte, c) in line.get(from..).unwrap_or_default().char_indices().take(most) {
            let byte = from + byte;
            shown.bytes.push((byte, shown.text.len()));
            shown.text.push(if is_hidden(c) && c != '\t' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            });
            count = byte + c.len_utf8();
        }
        shown
            .bytes
            .push((count.max(shown.bytes.last().map_or(0, |last| last.0)), shown.text.len()));
        if count < line.len() {
            shown.text.push('…');
        }
        shown
    }

    /// The byte of the shown text for a byte of the line; what was cut off lies at its nearest end.
    fn place(&self, byte: usize) -> usize {
        let next = self
            .bytes
            .partition_point(|(from, _)| *from < byte)
            .min(self.bytes.len().saturating_sub(1));
        self.bytes.get(next).map_or(0, |(_, to)| *to)
    }
}

/// Adds to the columns in the `--> file:line:column` lines what was cut off the line at its left.
fn correct_columns(text: &str, views: &[View<'_>]) -> String {
    let mut rest = views.iter();
    let mut view = rest.next();
    let mut out = Vec::new();
    for line in text.split('\n') {
        let corrected = view
            .filter(|_| is_header(line))
            .and_then(|view| Some((view, correct_column(line, view)?)));
        match corrected {
            Some((_, line)) => {
                out.push(line);
                view = rest.next();
            }
            None => out.push(line.to_string()),
        }
    }
    out.join("\n")
}

/// Whether a rendered line names a place: source lines begin with a number or a bar, these with an arrow or colons.
fn is_header(line: &str) -> bool {
    let arrow = line.find("--> ").or_else(|| line.find("::: "));
    arrow.and_then(|at| line.get(..at)).is_some_and(|before| {
        let mut escape = false;
        before.chars().all(|c| {
            let passes = escape || c == ' ' || c == '\u{1b}';
            escape = if escape { c != 'm' } else { c == '\u{1b}' };
            passes
        })
    })
}

fn correct_column(header: &str, view: &View<'_>) -> Option<String> {
    let name = format!("{}:", view.name());
    let place = header.rfind(&name)? + name.len();
    let (before, place) = header.split_at_checked(place)?;
    let (line, place) = place.split_once(':')?;
    let digits = place.find(|c: char| !c.is_ascii_digit()).unwrap_or(place.len());
    let (column, after) = place.split_at_checked(digits)?;
    let cut = view.cut.get(&line.parse::<usize>().ok()?).copied().unwrap_or(0);
    Some(format!("{before}{line}:{}{after}", column.parse::<usize>().ok()? + cut))
}

#[cfg(test)]
mod tests;
