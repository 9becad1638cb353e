//! The parser's input: text that runs dry when too much of it is asked for at once.

use std::cell::Cell;

use saphyr_parser::Input;

/// What the parser may still read before its next event, in characters.
///
/// Within brackets the scanner reads on until it knows whether the collection is a key, and keeps every token: up to a
/// hundred times the memory of the text. Past the allowance it is told that the text ends.
pub(super) struct Allowance {
    left: Cell<usize>,
    most: usize,
    exceeded: Cell<bool>,
}

impl Allowance {
    pub(super) fn new(most: usize) -> Self {
        Self {
            left: Cell::new(most),
            most,
            exceeded: Cell::new(false),
        }
    }

    /// Allows as much again.
    pub(super) fn renew(&self) {
        self.left.set(self.most);
    }

    /// Whether the text was cut off.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded.get()
    }

    fn take(&self) -> bool {
        match self.left.get() {
            0 => self.exceeded.set(true),
            left => self.left.set(left - 1),
        }
        self.exceeded.get()
    }
}

/// A text for the parser, with an allowance.
pub(super) struct Metered<'a> {
    rest: &'a str,
    lookahead: usize,
    allowance: &'a Allowance,
}

impl<'a> Metered<'a> {
    pub(super) fn new(text: &'a str, allowance: &'a Allowance) -> Self {
        Self {
            rest: text,
            lookahead: 0,
            allowance,
        }
    }
}

/// What [`Input`] demands. Any number of characters can be looked at, and past the end there are NULs.
impl Input for Metered<'_> {
    fn lookahead(&mut self, count: usize) {
        self.lookahead = self.lookahead.max(count);
    }

    fn buflen(&self) -> usize {
        self.lookahead
    }

    fn bufmaxlen(&self) -> usize {
        128
    }

    fn raw_read_ch(&mut self) -> char {
        let next = self.peek();
        self.skip();
        next
    }

    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let next = self
            .peek_opt()
            .filter(|c| !matches!(c, '\n' | '\r' | '\0' | '\u{feff}'))?;
        self.skip();
        Some(next)
    }

    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        if chars.next().is_some() {
            self.rest = if self.allowance.take() { "" } else { chars.as_str() };
        }
    }

    fn skip_n(&mut self, count: usize) {
        (0..count).for_each(|_| self.skip());
    }

    fn peek(&self) -> char {
        self.peek_opt().unwrap_or('\0')
    }

    fn peek_nth(&self, n: usize) -> char {
        self.rest.chars().nth(n).unwrap_or('\0')
    }

    fn peek_opt(&self) -> Option<char> {
        self.rest.chars().next()
    }
    /// The rest of a line, for which the scanner has no use but in comments: they leave no tokens and are free.
    fn skip_while_non_breakz(&mut self) -> usize {
        let end = self
            .rest
            .find(['\n', '\r', '\0', '\u{feff}'])
            .unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        line.chars().count()
    }
}
