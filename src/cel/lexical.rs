//! What is bounded before the parser sees a text: its length, and how deep it can nest.

use std::ops::Range;

use super::{DEEPEST, LONGEST, Problem};

/// Whether the parser may see a text.
pub(super) fn check(source: &str) -> Result<(), Problem> {
    let whole = 0..source.len();
    if source.trim().is_empty() {
        return Err(Problem::new(whole, "the expression is empty"));
    }
    if source.len() > LONGEST {
        let message = format!(
            "the expression has {} bytes, more than the {LONGEST} allowed",
            source.len()
        );
        return Err(Problem::new(whole, message).help("split it into several rules"));
    }
    let (mut depth, mut prefixes, mut conditions, mut operators) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (range, token) in tokens(source) {
        match token {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'?' | b':' => conditions += 1,
            b'+' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' => operators += 1,
            _ => {}
        }
        prefixes = match token {
            b'!' | b'-' => prefixes + 1,
            b' ' | b'\n' | b'\t' | b'\r' => prefixes,
            _ => 0,
        };
        if depth > DEEPEST || prefixes > DEEPEST || conditions > 4 * DEEPEST || operators > 8 * DEEPEST {
            return Err(Problem::too_deep(range));
        }
    }
    Ok(())
}

/// The bytes outside of texts and comments, with their places. Texts count as one byte.
pub(super) fn tokens(source: &str) -> impl Iterator<Item = (Range<usize>, u8)> {
    let bytes = source.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *bytes.get(at)?;
        let start = at;
        at = match byte {
            b'"' | b'\'' => end_of_text(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
            }
            _ => at + 1,
        };
        Some((start..at, if at > start + 1 { b'"' } else { byte }))
    })
}

/// The byte after a text in quotes, or the end of what there is. Raw texts and those in three quotes are known.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let quote = bytes.get(start).copied().unwrap_or(b'"');
    let is_raw = start
        .checked_sub(1)
        .and_then(|before| bytes.get(before))
        .is_some_and(|byte| matches!(byte, b'r' | b'R'));
    let is_long = bytes.get(start..start + 3) == Some(&[quote; 3]);
    let width = if is_long { 3 } else { 1 };
    let mut at = start + width;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && !is_raw {
            at += 2;
        } else if bytes.get(at..at + width) == Some([quote; 3].get(..width).unwrap_or_default()) {
            return at + width;
        } else {
            at += 1;
        }
    }
    bytes.len()
}
