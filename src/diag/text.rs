//! Text of users, made fit to be printed.
//!
//! A denial travels through the API server, Flyte's propeller and its console; a report ends on a terminal. A line break
//! forges a line there, a direction control shows other text than it holds, and Flyte's propeller reads some words as
//! instructions (Flyte 1.16, `pluginmachinery/core/errors` and the plugin manager's launch path). So text of users is
//! printed through this module alone: [`quoted`], [`one_line`] or [`shorten`] for a piece of it, [`safe`] for a
//! finished message.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// The longest piece of user text that [`quoted`] repeats, in characters.
const LONGEST: usize = 80;

/// Phrases that steer Flyte's parsers, and what stands in their place.
const STEERING: [(&str, &str); 5] = [
    ("exceeded quota", "quota exceeded"),
    ("etcdserver:", "etcd server -"),
    ("already exists", "exists already"),
    ("requested:", "requested -"),
    ("limited:", "limited -"),
];

/// The characters beyond ASCII that are not shown, or change how other text is shown: Unicode's categories Cc, Cf, Zl,
/// Zp and Co, the noncharacters, and those with the property `Default_Ignorable_Code_Point`. Only the variation
/// selectors 15 and 16 are absent, which choose between the two forms of an emoji.
const HIDDEN: [(char, char); 42] = [
    ('\u{80}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0d}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{1fffe}', '\u{1ffff}'),
    ('\u{2fffe}', '\u{2ffff}'),
    ('\u{3fffe}', '\u{3ffff}'),
    ('\u{4fffe}', '\u{4ffff}'),
    ('\u{5fffe}', '\u{5ffff}'),
    ('\u{6fffe}', '\u{6ffff}'),
    ('\u{7fffe}', '\u{7ffff}'),
    ('\u{8fffe}', '\u{8ffff}'),
    ('\u{9fffe}', '\u{9ffff}'),
    ('\u{afffe}', '\u{affff}'),
    ('\u{bfffe}', '\u{bffff}'),
    ('\u{cfffe}', '\u{cffff}'),
    ('\u{dfffe}', '\u{e0fff}'),
    ('\u{efffe}', '\u{10ffff}'),
];

/// Whether a character breaks a line, is not shown, or changes the direction or form of other text.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let next = HIDDEN.partition_point(|(_, last)| *last < c);
    HIDDEN.get(next).is_some_and(|(first, _)| *first <= c)
}

/// Whether all of a text is printable ASCII, which is seen faster than that no character is hidden.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The text on one line: hidden characters are shown as Rust escapes (`\n`, `\u{202e}`), everything else as it is.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The text on one line and not longer than `most` characters, with `…` where it was cut.
pub fn shorten(text: &str, most: usize) -> String {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let mut out = one_line(text.get(..end).unwrap_or(text)).into_owned();
    if end < text.len() {
        out.push('…');
    }
    out
}

/// A number with its noun: `1 change`, `2 changes`, `0.5 CPUs`.
pub fn counted(count: impl fmt::Display, noun: &str) -> String {
    let count = count.to_string();
    match noun.strip_suffix('y') {
        _ if count == "1" => format!("{count} {noun}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {noun}s"),
    }
}

/// User text in backquotes, on one line, cut to a readable length.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shorten(text, LONGEST).replace('`', "'"))
}

/// A message without hidden characters, a space in the place of each, and without the phrases that Flyte would act on.
pub fn safe(message: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(message);
    if !is_plain(message) && message.contains(is_hidden) {
        text = Cow::Owned(message.replace(is_hidden, " "));
    }
    while let Some((at, phrase, instead)) = steering(&text) {
        text.to_mut().replace_range(at..at + phrase.len(), instead);
    }
    text
}

/// The first phrase of [`STEERING`] in a text, in letters of any case: where it is, and what is to stand there.
fn steering(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let bytes = text.as_bytes();
    let at = |(position, byte): (usize, &u8)| {
        if !matches!(byte, b'A' | b'E' | b'L' | b'R' | b'a' | b'e' | b'l' | b'r') {
            return None;
        }
        STEERING.iter().find_map(|(phrase, instead)| {
            let part = bytes.get(position..position + phrase.len())?;
            let steers = part.eq_ignore_ascii_case(phrase.as_bytes());
            steers.then_some((position, *phrase, *instead))
        })
    };
    bytes.iter().enumerate().find_map(at)
}

/// `text` cut to at most `bytes` bytes at a character's edge, with an ellipsis where something went.
pub fn truncated(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let mut end = bytes.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut cut = text.get(..end).unwrap_or_default().to_owned();
    cut.push('…');
    Cow::Owned(cut)
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// What is hidden, by Unicode's own tables.
    fn unicode() -> Regex {
        Regex::new(
            r"^[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]--[\u{fe0e}\u{fe0f}]]$",
        )
        .unwrap()
    }

    #[test]
    fn what_unicode_hides_is_hidden_and_nothing_else() {
        let unicode = unicode();
        for c in '\0'..=char::MAX {
            let is_hidden_by_unicode = unicode.is_match(c.encode_utf8(&mut [0; 4]));
            assert_eq!(is_hidden(c), is_hidden_by_unicode, "{c:?}");
        }
    }

    #[test]
    fn no_hidden_character_is_printed() {
        for c in ('\0'..=char::MAX).filter(|c| is_hidden(*c)) {
            let text = format!("a{c}b");
            assert_eq!(safe(&text), "a b", "{c:?}");
            for printed in [one_line(&text).into_owned(), shorten(&text, 3), quoted(&text)] {
                assert!(!printed.contains(is_hidden), "{c:?} in {printed:?}");
                assert!(
                    printed.contains(&c.escape_default().to_string()),
                    "{c:?} in {printed:?}"
                );
            }
        }
    }

    #[test]
    fn legitimate_text_is_kept() {
        for text in [
            "größe 大小 🚀",
            "e\u{301} naïve Ελλάδα שלום العربية हिन्दी ไทย 한국어 かな",
            "❤\u{fe0f} 👍🏽 🇩🇪 1\u{fe0f}\u{20e3}",
            "½ ≥ 4 GPUs … “quoted” – a\u{a0}b",
        ] {
            assert_eq!(one_line(text), text);
            assert_eq!(shorten(text, 99), text);
            assert_eq!(quoted(text), format!("`{text}`"));
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn what_breaks_a_line_is_escaped() {
        assert_eq!(
            one_line("a\nb\r\t\u{1b}[31m\u{202e}c\u{2028}\u{e0041}"),
            r"a\nb\r\t\u{1b}[31m\u{202e}c\u{2028}\u{e0041}"
        );
        assert!(matches!(one_line("as it is"), Cow::Borrowed(_)));
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü…");
        assert_eq!(shorten(&"x".repeat(1 << 20), 4), "xxxx…");
    }

    #[test]
    fn user_text_stays_on_its_line() {
        assert_eq!(quoted("a\nb`c\u{202e}"), r"`a\nb'c\u{202e}`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn the_first_letters_of_all_phrases_are_looked_for() {
        for (phrase, instead) in STEERING {
            assert_eq!(safe(phrase), instead);
            assert_eq!(safe(&phrase.to_uppercase()), instead);
        }
        assert!(matches!(safe("as it is"), Cow::Borrowed(_)));
    }

    #[test]
    fn steering_words_never_leave() {
        let text =
            safe("group `Exceeded Quota etcdserver: x` ALREADY EXISTS requested: limits.cpu=1,limited: limits.cpu=2\n");
        let lower = text.to_lowercase();
        for (phrase, _) in STEERING {
            assert!(!lower.contains(phrase), "{phrase} in {text}");
        }
        assert!(!text.contains('\n'));
    }

    #[test]
    fn cuts_at_a_character() {
        assert_eq!(truncated("ääää", 6), "ä…");
        assert_eq!(truncated("short", 6), "short");
    }
}
