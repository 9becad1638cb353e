//! Scalars, as values and as keys.

use std::borrow::Cow;

use saphyr_parser::{ScalarStyle, Tag};

use super::frame::Pending;
use super::{Builder, Stop, span};
use crate::diag::{Diagnostic, Span, shorten};
use crate::yaml::node::{Key, Node, NodeValue, Style};
use crate::yaml::scalar::{self, Scalar};
use crate::yaml::{Reading, codes, syntax};

impl Builder<'_, '_> {
    /// Takes a scalar, whose properties begin at the first of the bytes.
    pub(super) fn scalar(
        &mut self,
        mut text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        (first, end): (usize, usize),
    ) -> Result<(), Stop> {
        let in_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if in_block && text.ends_with('\n') && self.ends_the_text(end) {
            // The parser adds the line end that the text lacks; kubectl's reader and libyaml do not.
            text.to_mut().pop();
        }
        let has_properties = anchor > 0 || tag.is_some();
        let (start, end) = span::scalar(self.positions.text, (first, end), style, &text, has_properties);
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
        let meaning = tag.map(|tag| (tag, syntax::tagged(tag, &text)));
        if let Some((tag, None)) = meaning {
            let place = self.tag_place(first);
            self.report.push(syntax::tag(tag, place, "this value"));
        }
        let tagged = meaning.map(|(_, meaning)| meaning.unwrap_or(Scalar::Text));
        let tagged = match self.reading {
            // It writes 1.0 as 1.
            Reading::Kubectl => tagged.map(scalar::whole),
            _ => tagged,
        };
        if self.expects_key() {
            return self.key(&text, style, anchor, tagged, span);
        }
        let value = self.value(text, style, tagged, span);
        let node = Node { span, style, value };
        self.anchor(anchor, &node)?;
        self.complete(node);
        Ok(())
    }

    fn value(&mut self, text: Cow<'_, str>, style: Style, tagged: Option<Scalar>, span: Span) -> NodeValue {
        let meaning = match tagged {
            Some(meaning) => meaning,
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
    fn key(&mut self, text: &str, style: Style, anchor: usize, tagged: Option<Scalar>, span: Span) -> Result<(), Stop> {
        let plain = tagged.is_none() && style == Style::Plain;
        if plain && text == "<<" {
            self.report.push(syntax::merge_key(span));
            self.expect(Pending::Nothing);
            return Ok(());
        }
        let meaning = tagged.unwrap_or_else(|| if plain { scalar::core(text) } else { Scalar::Text });
        if meaning != Scalar::Text {
            self.report.push(syntax::key_not_string(text, &meaning, span));
        } else if let Some(found) = scalar::plain(text, Reading::Cautious).1.filter(|_| plain) {
            let help = format!("write \"{text}\" in quotes");
            self.report.push(
                Diagnostic::warning(codes::AMBIGUOUS, found.message)
                    .at(span, "a key")
                    .help(help),
            );
        }
        self.refuse_tab_before(span);
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
    /// Reports a tab in the indentation of a key in block style, which the parser lets pass in some places.
    fn refuse_tab_before(&mut self, key: Span) {
        // In brackets tabs are white space, and a line can hold any number of keys.
        if self.stack.last().is_none_or(|frame| frame.style != Style::Block) {
            return;
        }
        let at = self.positions.local(key.start);
        if let Some(tab) = syntax::tab_before(self.positions.text, at).filter(|tab| *tab < at) {
            let place = self.positions.character(tab);
            self.report.push(syntax::tab(place));
        }
    }
    /// Whether a byte is the end of the text, and no line end is before it.
    fn ends_the_text(&self, end: usize) -> bool {
        end >= self.positions.text.len() && !self.positions.text.ends_with(char::is_whitespace)
    }
}
