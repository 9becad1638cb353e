//! The strings of JSON.

/// What is wrong with a string, and in which bytes of the text.
pub(super) struct Bad {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// The string whose opening quote is at `start`, and the byte after its closing quote.
pub(super) fn read(text: &str, start: usize) -> Result<(String, usize), Bad> {
    let mut out = String::new();
    let mut at = start + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let run = rest
            .find(|c: char| matches!(c, '"' | '\\') || c < ' ')
            .unwrap_or(rest.len());
        out.push_str(rest.get(..run).unwrap_or_default());
        at += run;
        match rest.get(run..).and_then(|rest| rest.chars().next()) {
            Some('"') => return Ok((out, at + 1)),
            Some('\\') => {
                let (c, width) = escape(text, at)?;
                out.push(c);
                at += width;
            }
            Some('\n' | '\r') | None => {
                let message = "this string is never closed".to_string();
                return Err(Bad {
                    at: start,
                    end: start + 1,
                    message,
                    help: "add the closing quote on the same line",
                });
            }
            Some(c) => {
                let message = format!("the control character U+{:04X} stands in a string", u32::from(c));
                return Err(Bad {
                    at,
                    end: at + 1,
                    message,
                    help: "write it as an escape, such as \\t or \\u001b",
                });
            }
        }
    }
}

/// The character that the escape at a backslash stands for, and its length in bytes.
fn escape(text: &str, at: usize) -> Result<(char, usize), Bad> {
    let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
    let c = match next {
        Some(c @ ('"' | '\\' | '/')) => c,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unicode(text, at),
        _ => {
            let end = at + 1 + next.map_or(0, char::len_utf8);
            let message = "there is an unknown escape in this string".to_string();
            return Err(Bad {
                at,
                end,
                message,
                help: "write \\\\ for a backslash",
            });
        }
    };
    Ok((c, 2))
}

/// `\u` and four digits, or two of them that are a surrogate pair.
fn unicode(text: &str, at: usize) -> Result<(char, usize), Bad> {
    let bad = |width: usize, message: &str| {
        let end = (at + width).min(text.len());
        let end = (at..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at);
        let help = "write the character itself, or \\u and four hexadecimal digits, as a pair beyond U+FFFF";
        Bad {
            at,
            end,
            message: message.to_string(),
            help,
        }
    };
    let Some(first) = hex(text, at + 2) else {
        return Err(bad(6, "`\\u` is not followed by four hexadecimal digits"));
    };
    if let Some(c) = char::from_u32(first) {
        return Ok((c, 6));
    }
    let second = text
        .get(at + 6..)
        .filter(|rest| rest.starts_with("\\u"))
        .and_then(|_| hex(text, at + 8));
    match second {
        Some(second @ 0xdc00..=0xdfff) if first < 0xdc00 => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            char::from_u32(code)
                .map(|c| (c, 12))
                .ok_or_else(|| bad(12, "this escape is no character"))
        }
        _ => Err(bad(6, "this escape is half of a surrogate pair")),
    }
}

fn hex(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())?
}
