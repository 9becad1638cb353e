//! Text of users made safe to print on one line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text on one line: control characters, line separators, invisible and direction-changing characters are shown
/// as Rust escapes (`\n`, `\u{202e}`), everything else as it is.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unprintable(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The text on one line and not longer than `most` characters, with `…` where it was cut.
pub fn shorten(text: &str, most: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(most).collect();
    let mut out = one_line(&head).into_owned();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// Whether a character would break a line, hide, or change the direction of what follows.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_line_is_escaped() {
        assert_eq!(
            one_line("a\nb\r\t\u{1b}[31m\u{202e}c\u{2028}"),
            r"a\nb\r\t\u{1b}[31m\u{202e}c\u{2028}"
        );
        assert_eq!(one_line("größe 大小 🚀"), "größe 大小 🚀");
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
        assert_eq!(shorten(&"x".repeat(1 << 20), 4), "xxxx…");
    }
}
