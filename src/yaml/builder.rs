//! From the parser's events to trees, without recursion.

mod span;

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::input::{Allowance, Metered};
use super::keys::without_duplicates;
use super::node::{Entry, Key, Node, NodeValue, Style};
use super::position::Positions;
use super::report::Report;
use super::scalar::{self, Scalar};
use super::{Limits, Reading, codes, split, syntax};
use crate::diag::{Diagnostic, SourceId, Span, shorten};

/// Reads every document of a YAML text. The order of the diagnostics is left to the report.
pub(super) fn documents(
    source: SourceId,
    text: &str,
    reading: Reading,
    limits: &Limits,
    report: &mut Report,
) -> Vec<Node> {
    if let Some(diagnostic) = syntax::control_character(source, text) {
        report.push(diagnostic);
        return Vec::new();
    }
    let mut documents = Vec::new();
    let mut nodes = 0;
    for (base, piece) in split::documents(text) {
        let allowance = Allowance::new(limits.lookahead);
        let positions = Positions::new(source, piece, base);
        let mut builder = Builder {
            positions,
            reading,
            limits,
            nodes,
            report,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
        };
        let read = builder.run(&allowance, &mut documents);
        nodes = builder.nodes;
        if let Err(Stop::File) = read {
            break;
        }
    }
    documents
}

/// A reason to read no further.
enum Stop {
    /// The rest of this document cannot be read.
    Document,
    /// The budget of the whole file is used up.
    File,
}

struct Builder<'t, 'r> {
    positions: Positions<'t>,
    reading: Reading,
    limits: &'r Limits,
    /// Nodes so far, in all documents, copies counted.
    nodes: usize,
    report: &'r mut Report,
    stack: Vec<Frame>,
    /// The tree, once it is complete, until its document ends well.
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
}

/// A collection whose end has not come.
struct Frame {
    start: usize,
    style: Style,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>, Pending),
}

/// What a mapping waits for.
enum Pending {
    Key,
    Value(Key),
    /// The value of a key that cannot be one, which is dropped.
    Nothing,
}

/// A finished value with an anchor.
struct Anchored {
    node: Node,
    count: usize,
    height: usize,
}

impl<'t> Builder<'t, '_> {
    fn run(&mut self, allowance: &Allowance, documents: &mut Vec<Node>) -> Result<(), Stop> {
        let mut parser = Parser::new(Metered::new(self.positions.text, allowance));
        while let Some(event) = parser.next_event() {
            let marker = event
                .as_ref()
                .map_or_else(|error| *error.marker(), |(_, marks)| marks.start);
            if allowance.is_exceeded() {
                let place = self.positions.character(self.positions.byte(marker.index()));
                return Err(self.stop(syntax::too_long(place, self.limits.lookahead)));
            }
            match event {
                Ok((Event::DocumentEnd, _)) => documents.extend(self.root.take()),
                Ok((event, marks)) => self.event(event, marks)?,
                Err(error) => {
                    let diagnostic = syntax::error(&error, &self.positions, self.innermost(), self.limits);
                    return Err(self.stop(diagnostic));
                }
            }
            allowance.renew();
        }
        Ok(())
    }

    fn stop(&mut self, diagnostic: Diagnostic) -> Stop {
        self.report.push(diagnostic);
        Stop::Document
    }

    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Stop> {
        let start = self.positions.byte(marks.start.index());
        let end = self.positions.byte(marks.end.index()).max(start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let empty = text.is_empty() && style == ScalarStyle::Plain && anchor == 0 && tag.is_none();
                if empty && self.stack.is_empty() {
                    return Ok(());
                }
                self.scalar(text, style, anchor, tag.as_deref(), (start, end))
            }
            Event::SequenceStart(anchor, tag) => self.open(Content::sequence(), (start, end), anchor, tag.as_deref()),
            Event::MappingStart(anchor, tag) => self.open(Content::mapping(), (start, end), anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.close(start),
            Event::Alias(anchor) => self.alias(anchor, (start, end)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    /// Counts nodes about to be made.
    fn count(&mut self, more: usize, place: Span, what: &str) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let message = format!(
            "{what} brings the file to {} values, more than the {} allowed",
            self.nodes, self.limits.nodes
        );
        self.report
            .push(Diagnostic::error(codes::TOO_MANY_NODES, message).at(place, "nothing is read from here on"));
        Err(Stop::File)
    }

    fn open(
        &mut self,
        content: Content,
        (start, end): (usize, usize),
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Stop> {
        let (bracket, fitting, what) = match &content {
            Content::Sequence(_) => ('[', "seq", "this list"),
            Content::Mapping(..) => ('{', "map", "this mapping"),
        };
        // The parser gives block collections no width, unless they have a tag or an anchor.
        let at = span::skip_properties(self.positions.text, start);
        let flow = end > start && self.positions.from(at).starts_with(bracket);
        let (style, start) = if flow { (Style::Flow, at) } else { (Style::Block, start) };
        let place = self.positions.character(start);
        self.count(1, place, what)?;
        if self.stack.len() >= self.limits.depth {
            return Err(self.stop(syntax::too_deep(place, self.limits.depth)));
        }
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema() || tag.suffix != fitting) {
            self.report.push(syntax::tag(tag, place, what));
        }
        self.stack.push(Frame {
            start,
            style,
            anchor,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let span = match (frame.style, frame.content.extent()) {
            (Style::Block, Some((first, last))) => first.to(last),
            (Style::Block, None) => self.positions.span(frame.start, frame.start),
            _ => self.positions.span(frame.start, end).to(self.positions.character(end)),
        };
        let value = match frame.content {
            Content::Sequence(items) => NodeValue::Sequence(items),
            Content::Mapping(entries, _) => NodeValue::Mapping(without_duplicates(entries, self.report)),
        };
        let node = Node {
            span,
            style: frame.style,
            value,
        };
        self.anchor(frame.anchor, &node)?;
        self.complete(node);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        (start, end): (usize, usize),
    ) -> Result<(), Stop> {
        let has_properties = anchor > 0 || tag.is_some();
        let (start, end) = span::scalar(self.positions.text, (start, end), style, &text, has_properties);
        let mut span = self.positions.span(start, end);
        if text.is_empty() && style == ScalarStyle::Plain {
            span = self.pending_key().map_or(span, |key| self.with_colon(key));
        }
        self.count(1, span, "this value")?;
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        if self.expects_key() {
            return self.key(&text, style, anchor, tag, span);
        }
        let value = self.value(text, style, tag, span);
        let node = Node { span, style, value };
        self.anchor(anchor, &node)?;
        self.complete(node);
        Ok(())
    }

    fn value(&mut self, text: Cow<'_, str>, style: Style, tag: Option<&Tag>, span: Span) -> NodeValue {
        let meaning = match tag {
            None if style == Style::Plain => {
                let (meaning, ambiguity) = scalar::plain(&text, self.reading);
                if let Some(found) = ambiguity {
                    self.report.push(
                        Diagnostic::warning(codes::AMBIGUOUS, found.message)
                            .at(span, "")
                            .help(found.help),
                    );
                }
                meaning
            }
            None => Scalar::Text,
            Some(tag) => syntax::tagged(tag, &text).unwrap_or_else(|| {
                self.report.push(syntax::tag(tag, span, "this value"));
                Scalar::Text
            }),
        };
        match meaning {
            Scalar::Null => NodeValue::Null,
            Scalar::Bool(value) => NodeValue::Bool(value),
            Scalar::Number(number) => NodeValue::Number(number),
            Scalar::Text => NodeValue::String(text.into_owned()),
            Scalar::NotFinite => {
                let message = format!("`{}` is a number that JSON cannot hold", shorten(&text, 40));
                self.report.push(
                    Diagnostic::error(codes::NOT_FINITE, message)
                        .at(span, "")
                        .help("put it in quotes if it is a string"),
                );
                NodeValue::String(text.into_owned())
            }
        }
    }

    /// Takes a scalar as the key of the innermost mapping.
    fn key(&mut self, text: &str, style: Style, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), Stop> {
        if let Some(tag) = tag.filter(|tag| syntax::tagged(tag, text) != Some(Scalar::Text)) {
            self.report.push(syntax::tag(tag, span, "a key"));
        } else if tag.is_none() && style == Style::Plain {
            if text == "<<" {
                self.report.push(syntax::merge_key(span));
                self.expect(Pending::Nothing);
                return Ok(());
            }
            let core = scalar::core(text);
            let (_, ambiguity) = scalar::plain(text, Reading::Cautious);
            if core != Scalar::Text {
                self.report.push(syntax::key_not_string(text, &core, span));
            } else if let Some(found) = ambiguity {
                let help = format!("write \"{text}\" in quotes");
                self.report.push(
                    Diagnostic::warning(codes::AMBIGUOUS, found.message)
                        .at(span, "a key")
                        .help(help),
                );
            }
        }
        let node = Node {
            span,
            style,
            value: NodeValue::String(text.to_owned()),
        };
        self.anchor(anchor, &node)?;
        self.expect(Pending::Value(Key {
            text: text.to_owned(),
            span,
        }));
        Ok(())
    }

    fn alias(&mut self, id: usize, (start, end): (usize, usize)) -> Result<(), Stop> {
        let place = self.positions.span(start, end);
        let name = shorten(self.positions.text.get(start..end).unwrap_or_default(), 40);
        let Some(anchored) = self.anchors.get(&id) else {
            // The parser knows the name, so its value has begun and not ended.
            return Err(self.stop(syntax::unfinished_alias(&name, place)));
        };
        let (count, height) = (anchored.count, anchored.height);
        self.count(
            count,
            place,
            &format!("the alias `{name}`, which stands for {count} of them,"),
        )?;
        if self.stack.len() + height > self.limits.depth {
            return Err(self.stop(syntax::too_deep(place, self.limits.depth)));
        }
        let Some(mut node) = self.anchors.get(&id).map(|anchored| anchored.node.clone()) else {
            return Ok(());
        };
        node.span = place;
        match node.value {
            NodeValue::String(text) if self.expects_key() => self.expect(Pending::Value(Key { text, span: place })),
            _ => self.complete(node),
        }
        Ok(())
    }

    /// Keeps a copy of a finished value for its aliases, where it has an anchor.
    fn anchor(&mut self, id: usize, node: &Node) -> Result<(), Stop> {
        if id > 0 {
            let count = node.count();
            self.count(count, node.span, "the copy kept of this anchored value")?;
            self.anchors.insert(
                id,
                Anchored {
                    node: node.clone(),
                    count,
                    height: node.height(),
                },
            );
        }
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, node: Node) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries, pending) => match std::mem::replace(pending, Pending::Key) {
                Pending::Value(key) => entries.push(Entry { key, value: node }),
                Pending::Nothing => {}
                Pending::Key => {
                    *pending = Pending::Nothing;
                    self.report.push(syntax::complex_key(&node));
                }
            },
        }
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                content: Content::Mapping(_, Pending::Key),
                ..
            })
        )
    }

    fn expect(&mut self, next: Pending) {
        if let Some(Frame {
            content: Content::Mapping(_, pending),
            ..
        }) = self.stack.last_mut()
        {
            *pending = next;
        }
    }

    fn pending_key(&self) -> Option<Span> {
        match self.stack.last() {
            Some(Frame {
                content: Content::Mapping(_, Pending::Value(key)),
                ..
            }) => Some(key.span),
            _ => None,
        }
    }

    /// The span of a key and the colon after it.
    fn with_colon(&self, key: Span) -> Span {
        let rest = self.positions.from(self.positions.local(key.end));
        let bare = rest.trim_start_matches([' ', '\t']);
        let width = if bare.starts_with(':') {
            rest.len() - bare.len() + 1
        } else {
            0
        };
        Span::new(key.source, key.start, key.end + width)
    }

    /// The opening bracket of the innermost collection, if it is written in brackets.
    fn innermost(&self) -> Option<Span> {
        let frame = self.stack.last().filter(|frame| frame.style == Style::Flow)?;
        Some(self.positions.character(frame.start))
    }
}

impl Content {
    fn sequence() -> Self {
        Self::Sequence(Vec::new())
    }

    fn mapping() -> Self {
        Self::Mapping(Vec::new(), Pending::Key)
    }

    /// The spans of the first and the last thing in it.
    fn extent(&self) -> Option<(Span, Span)> {
        match self {
            Self::Sequence(items) => Some((items.first()?.span, items.last()?.span)),
            Self::Mapping(entries, _) => Some((entries.first()?.key.span, entries.last()?.value.span)),
        }
    }
}
