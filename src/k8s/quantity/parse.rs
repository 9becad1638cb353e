//! Reading a quantity's text as Kubernetes' Go code does, its oddities included.
//!
//! Go reads short numbers into an integer and the rest into a big decimal, and the two differ in what they accept,
//! round and print. Callers see that, so the boundary between them is kept where Go has it.

use std::sync::Arc;

use super::amount::Amount;
use super::{Format, Quantity, QuantityError};
use crate::diag::shorten;
use crate::k8s::SHOWN;

/// A text cut into its parts, none of them interpreted.
struct Parts<'a> {
    negative: bool,
    /// False where a plus sign, leading zeros or a point make the spelling differ from the canonical one.
    plain: bool,
    /// Digits before the point without leading zeros, and after it.
    whole: &'a str,
    fraction: &'a str,
    /// Whether there was any digit at all: Go takes `Ki` for zero, but only on its short way.
    has_digits: bool,
    unit: &'a str,
}

enum Unit {
    Decimal(i32),
    /// A power of two.
    Binary(u32),
    Exponent(i32),
}

/// The digits that Go's short way takes, at most.
const SHORT_DIGITS: usize = 18;

impl Quantity {
    /// Reads a text as `resource.ParseQuantity` does, which is more lenient than it looks: `Ki`, `+` and `.` are zero.
    ///
    /// # Errors
    /// When Kubernetes would refuse the text. White space around it counts as an error, as it does for the CRD.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<Quantity, QuantityError> {
    read(text).ok_or_else(|| explain(text))
}

fn read(text: &str) -> Option<Quantity> {
    if text.is_empty() {
        return None;
    }
    let parts = split(text);
    let unit = read_unit(parts.unit)?;
    short(text, &parts, &unit).or_else(|| parts.has_digits.then(|| long(&parts, &unit)))
}

fn split(text: &str) -> Parts<'_> {
    let negative = text.starts_with('-');
    let plus = text.starts_with('+');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let significant = unsigned.trim_start_matches('0');
    let zeros = significant.len() < unsigned.len();
    let (whole, rest) = split_digits(significant);
    let (fraction, point, unit) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, unit) = split_digits(rest);
            (fraction, true, unit)
        }
        None => ("", false, rest),
    };
    Parts {
        negative,
        plain: !plus && !zeros && !point,
        whole,
        fraction,
        has_digits: zeros || !whole.is_empty() || !fraction.is_empty(),
        unit,
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn read_unit(unit: &str) -> Option<Unit> {
    Some(match unit {
        "" => Unit::Decimal(0),
        "n" => Unit::Decimal(-9),
        "u" => Unit::Decimal(-6),
        "m" => Unit::Decimal(-3),
        "k" => Unit::Decimal(3),
        "M" => Unit::Decimal(6),
        "G" => Unit::Decimal(9),
        "T" => Unit::Decimal(12),
        "P" => Unit::Decimal(15),
        "E" => Unit::Decimal(18),
        "Ki" => Unit::Binary(10),
        "Mi" => Unit::Binary(20),
        "Gi" => Unit::Binary(30),
        "Ti" => Unit::Binary(40),
        "Pi" => Unit::Binary(50),
        "Ei" => Unit::Binary(60),
        _ => {
            let exponent: i64 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
            // Go cuts to 32 bits too: 1e4294967297 is 10.
            Unit::Exponent(exponent as i32)
        }
    })
}

/// Go's way for short numbers; `None` where Go takes the long way.
fn short(text: &str, parts: &Parts<'_>, unit: &Unit) -> Option<Quantity> {
    let length = parts.whole.len() + parts.fraction.len();
    let (format, room, factor, scale) = match *unit {
        Unit::Decimal(scale) => (Format::DecimalSi, SHORT_DIGITS, 1, scale),
        Unit::Exponent(scale) => (Format::DecimalExponent, SHORT_DIGITS, 1, scale),
        Unit::Binary(_) if !parts.fraction.is_empty() => return None,
        Unit::Binary(power) => (Format::BinarySi, binary_room(power)?, 1_i64.checked_shl(power)?, 0),
    };
    if length > room {
        return None;
    }
    // The point moves the scale, which wraps around in Go: 1.5e-2147483648 is 15e2147483647.
    let scale = scale.wrapping_sub(i32::try_from(parts.fraction.len()).ok()?);
    if scale < -9 {
        return None;
    }
    let mut digits = 0_i64;
    for byte in parts.whole.bytes().chain(parts.fraction.bytes()) {
        digits = digits.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
    }
    let magnitude = digits.checked_mul(factor)?;
    let kept = match format {
        Format::BinarySi => digits % 8 != 0,
        Format::DecimalSi | Format::DecimalExponent => scale % 3 == 0 && digits % 1000 != 0 && !parts.whole.is_empty(),
    };
    // Of a spelling that Go keeps, only the part that would not come out of printing anyway is stored.
    let differs = !parts.plain || matches!(format, Format::DecimalExponent);
    Some(Quantity {
        amount: Amount::scaled(if parts.negative { -magnitude } else { magnitude }, scale),
        format,
        spelling: (kept && differs).then(|| Arc::from(text)),
    })
}

/// The digits before a binary unit that Go's short way takes, at most.
fn binary_room(power: u32) -> Option<usize> {
    match power {
        10 => Some(11),
        20 => Some(8),
        30 => Some(5),
        40 => Some(2),
        _ => None,
    }
}

/// Go's way through big decimals: rounds at nanos, and caps binary units at the largest `i64`.
fn long(parts: &Parts<'_>, unit: &Unit) -> Quantity {
    let digits: Vec<u8> = parts.whole.bytes().chain(parts.fraction.bytes()).collect();
    let point = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
    let decimal = |digits, scale: i32| Amount::from_digits(parts.negative, digits, i64::from(scale) - point);
    let (format, amount) = match *unit {
        Unit::Decimal(scale) => (Format::DecimalSi, decimal(digits, scale)),
        Unit::Exponent(scale) => (Format::DecimalExponent, decimal(digits, scale)),
        Unit::Binary(power) => {
            let amount = decimal(shift_left(&digits, power), 0);
            let amount = amount.clamp(Amount::scaled(-i64::MAX, 0), Amount::scaled(i64::MAX, 0));
            let fraction = amount != Amount::ZERO && amount > Amount::scaled(-1, 0) && amount < Amount::scaled(1, 0);
            (if fraction { Format::DecimalSi } else { Format::BinarySi }, amount)
        }
    };
    Quantity {
        amount,
        format,
        spelling: None,
    }
}

/// Decimal digits times 2^power, for a power of at most 60.
fn shift_left(digits: &[u8], power: u32) -> Vec<u8> {
    let factor = 1_u128 << power;
    let mut product = Vec::with_capacity(digits.len() + 19);
    let mut carry = 0;
    for digit in digits.iter().rev() {
        carry += u128::from(digit - b'0') * factor;
        product.push(ascii(carry));
        carry /= 10;
    }
    while carry > 0 {
        product.push(ascii(carry));
        carry /= 10;
    }
    product.reverse();
    product
}

fn ascii(number: u128) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or_default()
}

/// Why a text is no quantity.
fn explain(text: &str) -> QuantityError {
    let seen = shorten(text, SHOWN);
    let number_ends = text
        .find(|c: char| !matches!(c, '+' | '-' | '.' | '0'..='9'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(number_ends).unwrap_or((text, ""));
    let exponent = unit.strip_prefix(['e', 'E']).unwrap_or_default();
    if text.is_empty() {
        QuantityError::Empty
    } else if unit.is_empty() || !number.contains(|c: char| c.is_ascii_digit()) {
        QuantityError::NotANumber { seen }
    } else if exponent.starts_with(['+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        QuantityError::Exponent { seen }
    } else {
        QuantityError::Unit {
            seen,
            unit: shorten(unit, SHOWN),
            hint: unit_hint(unit),
        }
    }
}

fn unit_hint(unit: &str) -> &'static str {
    match unit
        .trim_start()
        .bytes()
        .next()
        .map(|letter| letter.to_ascii_uppercase())
    {
        Some(b'K') => "; did you mean `Ki` (1024) or `k` (1000)?",
        Some(b'M') => "; did you mean `Mi` (1024²), `M` (1000²) or `m` (a thousandth)?",
        Some(b'G') => "; did you mean `Gi` (1024³) or `G` (1000³)?",
        Some(b'T') => "; did you mean `Ti` (1024⁴) or `T` (1000⁴)?",
        _ => "",
    }
}
