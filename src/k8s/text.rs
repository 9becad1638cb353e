//! Text that came from a user, made fit to stand in a message.
//!
//! A denial travels through the API server, Flyte's propeller and its console. Flyte's propeller reads some words in it
//! as instructions (Flyte 1.16, `pluginmachinery/core/errors` and the plugin manager's launch path), and a line
//! break would hide everything after it. So user text is printed through [`quoted`] alone, and a finished message
//! passes [`safe`].

use std::borrow::Cow;
use std::fmt::Write;

/// The longest piece of user text that a message repeats, in characters.
const LONGEST: usize = 80;

/// Phrases that steer Flyte's parsers, and what stands in their place.
const STEERING: [(&str, &str); 5] = [
    ("exceeded quota", "quota exceeded"),
    ("etcdserver:", "etcd server -"),
    ("already exists", "exists already"),
    ("requested:", "requested -"),
    ("limited:", "limited -"),
];

/// User text in backquotes, on one line, cut to a readable length.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST) + 2);
    out.push('`');
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            out.push('…');
            break;
        }
        match character {
            '`' => out.push('\''),
            character if is_hidden(character) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('`');
    out
}

/// Control characters, and those that reorder or hide the text around them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A message without line breaks, without characters that reorder or hide its text, and without the phrases that Flyte would act on.
pub fn safe(message: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(message);
    // Most messages are plain ASCII, which is seen faster than that no character is hidden.
    let is_plain = message.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && message.contains(is_hidden) {
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
    use super::*;

    #[test]
    fn user_text_stays_on_its_line() {
        assert_eq!(quoted("a\nb`c\u{202e}"), "`a\\u{a}b'c\\u{202e}`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn characters_that_reorder_or_hide_text_never_leave() {
        for hidden in [
            "\u{202e}",
            "\u{2066}",
            "\u{61c}",
            "\u{ad}",
            "\u{200b}",
            "\u{e0041}",
            "\n",
        ] {
            assert_eq!(safe(&format!("a{hidden}b")), "a b", "{hidden:?}");
            assert!(!quoted(&format!("a{hidden}b")).contains(hidden), "{hidden:?}");
        }
        assert_eq!(safe("größer als 4 GPUs…"), "größer als 4 GPUs…");
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
