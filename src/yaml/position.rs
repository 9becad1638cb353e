//! From the parser's character indices to bytes of the source.

use crate::diag::{SourceId, Span};

/// Characters between two remembered bytes.
const STRIDE: usize = 64;

/// A piece of a source, and where its characters are.
pub(super) struct Positions<'a> {
    pub(super) source: SourceId,
    pub(super) text: &'a str,
    /// Where the piece begins in the source.
    base: usize,
    /// The byte of every 64th character; empty where every character is one byte.
    samples: Vec<usize>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(source: SourceId, text: &'a str, base: usize) -> Self {
        let samples = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(STRIDE).map(|(byte, _)| byte).collect()
        };
        Self {
            source,
            text,
            base,
            samples,
        }
    }

    /// The byte in the piece at which a character begins; its end for characters past it.
    pub(super) fn byte(&self, index: usize) -> usize {
        if self.samples.is_empty() {
            return index.min(self.text.len());
        }
        let sample = self.samples.get(index / STRIDE).copied();
        let rest = sample.and_then(|byte| Some((byte, self.text.get(byte..)?)));
        rest.and_then(|(byte, rest)| rest.char_indices().nth(index % STRIDE).map(|(at, _)| byte + at))
            .unwrap_or(self.text.len())
    }

    /// The span of bytes of the piece, in the source.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, self.base + start, self.base + end)
    }

    /// The span of the one character that begins at a byte of the piece; empty at the end.
    pub(super) fn character(&self, start: usize) -> Span {
        let width = self.from(start).chars().next().map_or(0, char::len_utf8);
        self.span(start, start + width)
    }

    /// The byte in the piece for one in the source.
    pub(super) fn local(&self, byte: usize) -> usize {
        byte.saturating_sub(self.base)
    }

    /// The piece from a byte on.
    pub(super) fn from(&self, start: usize) -> &'a str {
        self.text.get(start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;

    #[test]
    fn every_character_is_found() {
        let source = Sources::new().add("a", "");
        for text in ["plain ".repeat(50), "größe 大小 🚀 ".repeat(50), String::new()] {
            let positions = Positions::new(source, &text, 0);
            for (index, (byte, _)) in text.char_indices().enumerate() {
                assert_eq!(positions.byte(index), byte);
            }
            assert_eq!(positions.byte(text.chars().count()), text.len());
            assert_eq!(positions.byte(100_000), text.len());
        }
    }
}
