//! YAML as kubectl prints it: block style, keys in the order of the value, lists at the indentation of their key.

use std::fmt::Write as _;

use serde_json::Value;

use super::scalar;
use crate::diag::is_hidden;

/// A key that is longer than this is written after `?`: YAML readers look 1024 characters ahead for the colon.
const LONGEST_KEY: usize = 1000;

/// The value as one YAML document, with a line end. Strings are quoted where a reader of YAML 1.1 or of 1.2 would take
/// them for something else, and nowhere else; strings of several lines are written as blocks where that is exact.
/// Every reader of either version, [`super::parse`] included, reads the same value back.
pub fn emit(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        _ => {
            scalar_or_empty(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

/// The entries, each on its own line; the first line is indented already.
fn mapping(out: &mut String, map: &serde_json::Map<String, Value>, indent: usize) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            spaces(out, indent);
        }
        let key = one_line_string(key);
        if key.chars().nth(LONGEST_KEY).is_some() {
            let _ = writeln!(out, "? {key}");
            spaces(out, indent);
        } else {
            out.push_str(&key);
        }
        out.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push('\n');
                spaces(out, indent + 2);
                mapping(out, map, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                spaces(out, indent);
                sequence(out, items, indent);
            }
            _ => {
                out.push(' ');
                scalar_or_empty(out, value, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// The items, each on its own line; the first line is indented already.
fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            spaces(out, indent);
        }
        out.push_str("- ");
        match value {
            Value::Object(map) if !map.is_empty() => mapping(out, map, indent + 2),
            Value::Array(items) if !items.is_empty() => sequence(out, items, indent + 2),
            _ => {
                scalar_or_empty(out, value, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// A scalar or an empty collection; the lines of a block are indented by `indent`.
fn scalar_or_empty(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&float_with_point(&number.to_string())),
        Value::String(text) if is_block(text) => block(out, text, indent.max(2)),
        Value::String(text) => out.push_str(&one_line_string(text)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// YAML 1.1 knows a float by its point and the sign of its exponent.
fn float_with_point(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_string();
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Whether a text can be a literal block: several lines that no reader or editor would change.
fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.chars().all(|c| c == '\n' || !is_hidden(c))
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.strip_suffix('\n');
    out.push_str(match body {
        None => "|-",
        Some(body) if body.ends_with('\n') => "|+",
        Some(_) => "|",
    });
    for line in body.unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            spaces(out, indent);
            out.push_str(line);
        }
    }
}

/// A string on one line: plain, in single quotes where only its characters demand it, or in double quotes.
fn one_line_string(text: &str) -> String {
    if text.contains(is_hidden) || !scalar::is_text_to_all(text) {
        double_quoted(text)
    } else if is_plain(text) {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Whether a text can stand without quotes, its meaning aside.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let begins = match first {
        Some('-' | '?' | ':') => second.is_some_and(|c| c != ' '),
        Some(c) => !matches!(
            c,
            ' ' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
        ),
        None => false,
    };
    let marker = ["---", "..."].iter().any(|marker| text.starts_with(marker));
    begins && !marker && !text.ends_with([' ', ':']) && !text.contains(": ") && !text.contains(" #")
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !is_hidden(c) => out.push(c),
            c if u32::from(c) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if u32::from(c) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
