//! Text that KubeRay's reader takes and ours does not, changed into what both take alike. Line ends stay where they are.

use crate::diag::Diagnostic;

/// Where an error stands.
pub(super) fn place(diagnostic: &Diagnostic) -> usize {
    diagnostic.primary.as_ref().map_or(0, |(span, _)| span.start)
}

/// The text with a space for every tab that does not indent a line.
pub(super) fn without_inner_tabs(text: &str) -> String {
    let mut is_indentation = true;
    let replaced = |character| {
        is_indentation = matches!(character, '\n' | '\r') || is_indentation && matches!(character, ' ' | '\t');
        if character == '\t' && !is_indentation {
            ' '
        } else {
            character
        }
    };
    text.chars().map(replaced).collect()
}

/// The text without what is wrong for our reader alone: a comment right behind a bracket, a quote or the mark of a block, and lines within
/// brackets or quotes that are indented less than what they continue, or with a tab.
pub(super) fn relaxed(text: &str, error: &Diagnostic) -> Option<String> {
    let at = place(error);
    let (before, after) = text.split_at_checked(at)?;
    if after.starts_with('#') && before.ends_with([']', '}', '"', '\'', '|', '>']) {
        return Some(format!("{before} {after}"));
    }
    let quote = after.starts_with(['"', '\'']).then_some(at);
    let opened = error.secondary.first().map(|(open, _)| open.start).or(quote);
    let open = opened.or_else(|| enclosing_bracket(before))?;
    let changed = indented(text, open)?;
    (changed != text).then_some(changed)
}

/// The bracket or brace that a text leaves open last.
fn enclosing_bracket(text: &str) -> Option<usize> {
    let mut closed = 0_usize;
    text.bytes().enumerate().rev().find_map(|(at, byte)| match byte {
        b']' | b'}' => {
            closed += 1;
            None
        }
        b'[' | b'{' if closed == 0 => Some(at),
        b'[' | b'{' => {
            closed -= 1;
            None
        }
        _ => None,
    })
}

/// The text with all lines of the collection or text that is opened at `open` indented further than its bracket or quote.
fn indented(text: &str, open: usize) -> Option<String> {
    let close = open + length(text.get(open..)?);
    let column = text.get(..open)?.rsplit('\n').next()?.chars().count();
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        if open < at && at <= close && !content.trim_ascii().is_empty() {
            out.extend(std::iter::repeat_n(' ', column + 1));
            out.push_str(content);
        } else {
            out.push_str(line);
        }
        at += line.len();
    }
    Some(out)
}

/// The bytes up to the end of the collection in brackets, or of the quoted text, with which a text begins; all of it where
/// there is no end.
fn length(text: &str) -> usize {
    let (mut depth, mut quote, mut before) = (0_usize, None, ' ');
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some('"'), '\\') => {
                characters.next();
            }
            (Some('\''), '\'') if characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                characters.next();
            }
            (Some('#'), '\n') => quote = None,
            (Some(open), _) if open == character => {
                quote = None;
                if depth == 0 {
                    return at;
                }
            }
            (Some(_), _) => {}
            (None, '"' | '\'') if before.is_whitespace() || "[{,:".contains(before) => quote = Some(character),
            (None, '#') if before.is_whitespace() => quote = Some('#'),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            (None, _) => {}
        }
        before = character;
    }
    text.len()
}
