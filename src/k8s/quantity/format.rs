//! Printing a quantity as Kubernetes' Go code does.

use std::fmt;

use super::amount::{Amount, NANOS};
use super::{Format, Quantity};

const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Prints the canonical form: no fraction, and the largest unit that keeps the value.
///
/// As in Go, a spelling that is as good stays as it was written (`+1`, `1.500`, `1E3`), and a value from 10²¹ upwards
/// that was written with a decimal unit loses its unit (`1000E` prints as `1`), because there is none to print.
/// To hand on what an author wrote, hand on the text.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spelling) = &self.spelling {
            return f.write_str(spelling);
        }
        match (self.format, whole_units(&self.amount)) {
            (Format::BinarySi, Some(units)) if units.unsigned_abs() >= 1024 => binary(units, f),
            (Format::DecimalExponent, _) => decimal(&self.amount, exponent_suffix, f),
            (Format::BinarySi | Format::DecimalSi, _) => decimal(&self.amount, decimal_suffix, f),
        }
    }
}

/// A count of bytes for a reader, rounded down to a hundredth of its unit: `32Gi`, `1.5Gi`, `1000`.
pub fn bytes_down(bytes: i64) -> String {
    rounded(bytes, 0)
}

/// The same, rounded up. More than [`bytes_down`] prints of less.
pub fn bytes_up(bytes: i64) -> String {
    rounded(bytes, 1)
}

fn rounded(bytes: i64, up: u128) -> String {
    let count = u128::from(bytes.unsigned_abs());
    let times = BINARY_SUFFIXES.len() - 1;
    let times = (1..=times).take_while(|times| count >> (10 * times) > 0).count();
    let unit = 1_u128 << (10 * times);
    let hundredths = (count * 100 + up * (unit - 1)) / unit;
    let (whole, part) = (hundredths / 100, hundredths % 100);
    let part = match (part / 10, part % 10) {
        (0, 0) => String::new(),
        (tenths, 0) => format!(".{tenths}"),
        _ => format!(".{part:02}"),
    };
    let sign = if bytes < 0 { "-" } else { "" };
    format!(
        "{sign}{whole}{part}{}",
        BINARY_SUFFIXES.get(times).copied().unwrap_or_default()
    )
}

fn whole_units(amount: &Amount) -> Option<i128> {
    amount
        .nanos()
        .filter(|nanos| nanos % NANOS == 0)
        .map(|nanos| nanos / NANOS)
}

fn binary(units: i128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (count, suffix) = strip_binary(units.unsigned_abs());
    let sign = if units < 0 { "-" } else { "" };
    write!(f, "{sign}{count}{suffix}")
}

/// Takes out every factor of 1024. Past `Ei` there is no suffix, and as in Go none is printed.
fn strip_binary(mut units: u128) -> (u128, &'static str) {
    let mut times = 0;
    while units != 0 && units.is_multiple_of(1024) {
        units /= 1024;
        times += 1;
    }
    (units, BINARY_SUFFIXES.get(times).copied().unwrap_or_default())
}

fn decimal(amount: &Amount, suffix: fn(i32) -> String, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (negative, digits, exponent) = amount.to_digits();
    if digits.is_empty() {
        return f.write_str("0");
    }
    // The exponent goes down to a multiple of three, in 32 bits that wrap around, as Go's do.
    let exponent = exponent as i32;
    let zeros = exponent.rem_euclid(3);
    let sign = if negative { "-" } else { "" };
    let padding = ["", "0", "00"]
        .get(zeros.unsigned_abs() as usize)
        .copied()
        .unwrap_or_default();
    write!(f, "{sign}{digits}{padding}{}", suffix(exponent.wrapping_sub(zeros)))
}

fn exponent_suffix(exponent: i32) -> String {
    if exponent == 0 {
        String::new()
    } else {
        format!("e{exponent}")
    }
}

fn decimal_suffix(exponent: i32) -> String {
    let suffix = match exponent {
        -9 => "n",
        -6 => "u",
        -3 => "m",
        3 => "k",
        6 => "M",
        9 => "G",
        12 => "T",
        15 => "P",
        18 => "E",
        _ => "",
    };
    suffix.to_owned()
}
