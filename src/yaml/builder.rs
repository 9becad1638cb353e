//! From the parser's events to trees, without recursion.

mod frame;
mod scalar;
mod span;

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use frame::{Anchored, Content, Frame, Pending};

use super::input::{Allowance, Metered};
use super::keys::without_duplicates;
use super::node::{Entry, Key, Node, NodeValue, Style};
use super::position::Positions;
use super::report::Report;
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
            kept: 0,
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
    /// Nodes so far, in all documents, those of aliases counted.
    nodes: usize,
    /// Nodes of the anchored values of this document, which are kept a second time.
    kept: usize,
    report: &'r mut Report,
    stack: Vec<Frame>,
    /// The tree, once it is complete, until its document ends well.
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
}

impl Builder<'_, '_> {
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
                Ok((Event::DocumentEnd, _)) => {
                    documents.extend(self.root.take());
                    self.anchors.clear();
                }
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
        let (now, most) = (self.nodes, self.limits.nodes);
        let message = format!("with {what} the file has {now} values and keys, more than the {most} allowed");
        self.report
            .push(Diagnostic::error(codes::TOO_MANY_NODES, message).at(place, "nothing is read from here on"));
        Err(Stop::File)
    }

    fn open(
        &mut self,
        content: Content,
        (first, end): (usize, usize),
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), Stop> {
        let (bracket, fitting, what) = match &content {
            Content::Sequence(_) => ('[', "seq", "this list"),
            Content::Mapping(..) => ('{', "map", "this mapping"),
        };
        // The parser gives block collections no width, unless they have a tag or an anchor.
        let start = span::skip_properties(self.positions.text, first);
        let flow = end > first && self.positions.from(start).starts_with(bracket);
        let style = if flow { Style::Flow } else { Style::Block };
        let place = self.positions.character(start);
        self.count(1, place, what)?;
        if self.stack.len() >= self.limits.depth {
            return Err(self.stop(syntax::too_deep(place, self.limits.depth)));
        }
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema() || tag.suffix != fitting) {
            let place = self.tag_place(first);
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
            self.kept = self.kept.saturating_add(count);
            if self.kept > self.limits.nodes {
                return Err(self.stop(syntax::too_many_anchored(node.span, self.limits.nodes)));
            }
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

    /// The tag of a value whose tags and anchors begin at a byte.
    fn tag_place(&self, first: usize) -> Span {
        let (start, end) = span::tag(self.positions.text, first);
        self.positions.span(start, end)
    }

    /// The opening bracket of the innermost collection, if it is written in brackets.
    fn innermost(&self) -> Option<Span> {
        let frame = self.stack.last().filter(|frame| frame.style == Style::Flow)?;
        Some(self.positions.character(frame.start))
    }
}
