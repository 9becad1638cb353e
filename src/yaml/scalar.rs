//! What a plain scalar means: in YAML 1.2, in YAML 1.1, and to kubectl.

use serde_json::Number;

use super::Reading;
use super::node::NodeValue;
use crate::diag::shorten;

/// A scalar's meaning. `Text` is the scalar as it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    /// Infinite, not a number, or too large for a float.
    NotFinite,
    Text,
}

/// Why a scalar is ambiguous, to be told to its author.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ambiguity {
    pub(super) message: String,
    pub(super) help: String,
}

/// The meaning of a plain scalar, and the ambiguity if there is one.
pub(super) fn plain(text: &str, reading: Reading) -> (Scalar, Option<Ambiguity>) {
    let core = core(text);
    if text.len() > LONGEST || core == Scalar::NotFinite || !may_differ(text) {
        return (core, None);
    }
    let (kubectl, older) = (kubectl(text), older(text));
    let (other, whose) = match (same(&core, &kubectl), same(&core, &older)) {
        (false, _) => (&kubectl, "YAML 1.1, which kubectl reads"),
        (true, false) => (&older, "YAML 1.1"),
        (true, true) => return (core, None),
    };
    let text = shorten(text, 40);
    let message = format!(
        "`{text}` is {} in YAML 1.2, and {} in {whose}",
        describe(&core, &text),
        describe(other, &text)
    );
    let meant = match reading {
        Reading::Kubectl => kubectl.clone(),
        Reading::Cautious if matches!(core, Scalar::Number(_)) && leading_zero(&text) => Scalar::Text,
        Reading::Cautious => core.clone(),
    };
    let mut ways: Vec<String> = Vec::new();
    for value in [&core, &kubectl, &older] {
        let way = match value {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(number) => in_plain(number),
            Scalar::Null | Scalar::NotFinite | Scalar::Text => continue,
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let taken = describe(&meant, &text);
    let help = format!(
        "it is taken as {taken}; write \"{text}\" in quotes, or {} without",
        ways.join(" or ")
    );
    (meant, Some(Ambiguity { message, help }))
}

/// Whether every reader takes the plain scalar as a string.
pub(super) fn is_text_to_all(text: &str) -> bool {
    let strings = [core(text), kubectl(text), older(text)]
        .iter()
        .all(|scalar| *scalar == Scalar::Text);
    strings && !matches!(text, "=" | "<<") && !is_timestamp(text) && !is_broken_number(text)
}

/// A base and no digits, such as `0b_`, at which PyYAML fails.
fn is_broken_number(text: &str) -> bool {
    let (_, digits) = sign(text);
    let rest = digits.strip_prefix("0b").or_else(|| digits.strip_prefix("0x"));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte == b'_'))
}

/// Longer scalars than this are no number that anyone wrote on purpose.
const LONGEST: usize = 128;

/// A quick look that spares most strings the three readings.
fn may_differ(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) || is_word(text)
}

fn is_word(text: &str) -> bool {
    legacy_bool(text).is_some()
}

/// The core schema of YAML 1.2 (section 10.3.2 of the specification).
pub(super) fn core(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    if is_special_float(text) {
        return Scalar::NotFinite;
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return radix_number("", digits, radix);
        }
    }
    if is_float(text) { decimal(text) } else { Scalar::Text }
}

/// What sigs.k8s.io/yaml, the reader of kubectl, makes of a plain scalar; `None` for a number that JSON cannot hold.
pub fn plain_value(text: &str) -> Option<NodeValue> {
    match kubectl(text) {
        Scalar::Null => Some(NodeValue::Null),
        Scalar::Bool(value) => Some(NodeValue::Bool(value)),
        Scalar::Number(number) => Some(NodeValue::Number(number)),
        Scalar::Text => Some(NodeValue::String(text.to_owned())),
        Scalar::NotFinite => None,
    }
}

/// What sigs.k8s.io/yaml, the reader of kubectl, makes of a plain scalar (its goyaml.v2/resolve.go): YAML 1.1 without
/// numbers to base 60, and dates as strings.
fn kubectl(text: &str) -> Scalar {
    if let Some(value) = legacy_bool(text) {
        return Scalar::Bool(value);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    if is_special_float(text) {
        return Scalar::NotFinite;
    }
    if text.starts_with('.') {
        // Go allows one underscore between two digits here, and any number of them below.
        let between_digits = |three: &[u8]| match three {
            [before, b'_', after] => before.is_ascii_digit() && after.is_ascii_digit(),
            _ => true,
        };
        let fine = text.as_bytes().windows(3).all(between_digits) && !text.ends_with('_');
        let text = if fine { text.replace('_', "") } else { text.to_string() };
        return if is_float(&text) {
            whole(decimal(&text))
        } else {
            Scalar::Text
        };
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        return Scalar::Text;
    }
    let text = text.replace('_', "");
    if let Some(signed) = text.strip_prefix("0b").filter(|rest| rest.starts_with(['+', '-'])) {
        let (sign, digits) = sign(signed);
        return radix_number(sign, digits, 2);
    }
    let (sign, digits) = sign(&text);
    let lower = digits.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return radix_number(sign, digits, radix);
        }
    }
    let octal = digits.len() > 1 && digits.starts_with('0');
    match octal.then(|| radix_number(sign, digits, 8)) {
        Some(Scalar::Text) | None if is_float(&text) => whole(decimal(&text)),
        Some(number) => number,
        None => Scalar::Text,
    }
}

/// The types of YAML 1.1 (yaml.org/type), as strict readers of it hold them: octal numbers begin with 0, underscores
/// are ignored, colons make base 60, and a float has a point and a sign in its exponent.
fn older(text: &str) -> Scalar {
    if let Some(value) = legacy_bool(text) {
        return Scalar::Bool(value);
    }
    let (sign, digits) = sign(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return core(text);
    }
    if is_special_float(text) {
        return Scalar::NotFinite;
    }
    let bare = digits.replace('_', "");
    for (prefix, radix) in [("0x", 16), ("0b", 2)] {
        if let Some(digits) = bare.strip_prefix(prefix) {
            return radix_number(sign, digits, radix);
        }
    }
    if digits.contains(':') {
        return sexagesimal(sign, &bare);
    }
    let only_digits = bare.bytes().all(|byte| byte.is_ascii_digit()) && digits.starts_with(|c: char| c != '.');
    if only_digits && bare.len() > 1 && bare.starts_with('0') {
        return radix_number(sign, &bare, 8);
    }
    let text = format!("{sign}{bare}");
    let point = bare.contains('.');
    let exponent = bare.find(['e', 'E']).and_then(|at| bare.get(at + 1..));
    let signed = exponent.is_none_or(|exponent| exponent.starts_with(['+', '-']));
    if is_float(&text) && (only_digits || point && signed) {
        decimal(&text)
    } else {
        Scalar::Text
    }
}

fn legacy_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn is_special_float(text: &str) -> bool {
    let (_, unsigned) = sign(text);
    matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(unsigned, ".inf" | ".Inf" | ".INF")
}

/// `-` or nothing, and what follows the sign.
fn sign(text: &str) -> (&str, &str) {
    match text.split_at_checked(1) {
        Some((sign @ "-", rest)) => (sign, rest),
        Some(("+", rest)) => ("", rest),
        _ => ("", text),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, which decimal integers match too.
fn is_float(text: &str) -> bool {
    let (_, text) = sign(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    exponent
        && match mantissa.split_once('.') {
            Some(("", fraction)) => digits(fraction),
            Some((integer, fraction)) => digits(integer) && (fraction.is_empty() || digits(fraction)),
            None => digits(mantissa),
        }
}

/// A number that [`is_float`] accepts: an integer where it is one and fits 64 bits.
fn decimal(text: &str) -> Scalar {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = unsigned.parse::<i64>() {
        return Scalar::Number(number.into());
    }
    if let Ok(number) = unsigned.parse::<u64>() {
        return Scalar::Number(number.into());
    }
    unsigned
        .parse()
        .ok()
        .and_then(Number::from_f64)
        .map_or(Scalar::NotFinite, Scalar::Number)
}

fn radix_number(sign: &str, digits: &str, radix: u32) -> Scalar {
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return Scalar::Text;
    }
    if let Ok(number) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Scalar::Number(number.into());
    }
    match u64::from_str_radix(digits, radix) {
        Ok(number) if sign.is_empty() => Scalar::Number(number.into()),
        _ => Scalar::Text,
    }
}

/// `1:30` and `1:30.5`: the parts after the first are below 60.
fn sexagesimal(sign: &str, text: &str) -> Scalar {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut total: i64 = 0;
    for (index, part) in whole.split(':').enumerate() {
        let Ok(value) = part.parse::<i64>() else {
            return Scalar::Text;
        };
        let fits = if index == 0 {
            fraction.is_some() || !part.starts_with('0')
        } else {
            part.len() <= 2 && value < 60
        };
        if !fits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Scalar::Text;
        }
        let Some(sum) = total.checked_mul(60).and_then(|total| total.checked_add(value)) else {
            return Scalar::Text;
        };
        total = sum;
    }
    let text = match fraction {
        Some(fraction) => format!("{sign}{total}.{fraction}"),
        None => format!("{sign}{total}"),
    };
    if is_float(&text) { decimal(&text) } else { Scalar::Text }
}

/// Go writes a float that is whole without a point, and so the cluster gets an integer.
pub(super) fn whole(scalar: Scalar) -> Scalar {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match &scalar {
        Scalar::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => decimal(&format!("{float:.0}")),
            _ => scalar,
        },
        _ => scalar,
    }
}

fn same(one: &Scalar, other: &Scalar) -> bool {
    match (one, other) {
        (Scalar::Number(one), Scalar::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

fn leading_zero(text: &str) -> bool {
    let (_, digits) = sign(text);
    digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.starts_with('0')
}

/// A date or time of YAML 1.1: four digits and a dash.
fn is_timestamp(text: &str) -> bool {
    text.split_once('-').is_some_and(|(year, rest)| {
        year.len() == 4
            && year.bytes().all(|byte| byte.is_ascii_digit())
            && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn describe(scalar: &Scalar, text: &str) -> String {
    match scalar {
        Scalar::Null => "null".into(),
        Scalar::Bool(value) => format!("the boolean {value}"),
        Scalar::Number(number) => format!("the number {}", in_plain(number)),
        Scalar::NotFinite => "a number out of range".into(),
        Scalar::Text => format!("the string \"{text}\""),
    }
}

/// The number without an exponent where it is whole: the exponent is what readers disagree on.
fn in_plain(number: &Number) -> String {
    match whole(Scalar::Number(number.clone())) {
        Scalar::Number(number) => number.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests;
