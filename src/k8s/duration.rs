//! Durations as Go's `time.ParseDuration` reads them (Go 1.26, `time/format.go`).

/// The units and their nanoseconds. Both the micro sign and the Greek letter are taken.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds of the least duration, without its sign.
const MOST: u64 = 1 << 63;

/// The nanoseconds of a duration such as `1h30m`, `-1.5s` or `0`; `None` for what Go does not read.
pub fn nanoseconds(text: &str) -> Option<i64> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (part, tail) = part(rest)?;
        sum = sum.checked_add(part).filter(|sum| *sum <= MOST)?;
        rest = tail;
    }
    match is_negative {
        true => 0_i64.checked_sub_unsigned(sum),
        false => i64::try_from(sum).ok(),
    }
}

/// The nanoseconds of a number and its unit, and the text behind them.
fn part(text: &str) -> Option<(u64, &str)> {
    let (digits, rest) = digits(text);
    let whole = match digits {
        "" => 0,
        digits => digits.parse::<u64>().ok().filter(|whole| *whole <= MOST)?,
    };
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => self::digits(rest),
        None => ("", rest),
    };
    if digits.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest
        .find(|character: char| character == '.' || character.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole = Some(whole).filter(|whole| *whole <= MOST / scale)? * scale;
    let sum = whole.checked_add(share(fraction, *scale)).filter(|sum| *sum <= MOST)?;
    Some((sum, rest))
}

/// The nanoseconds of the digits behind the point. Go computes them as a float, and so does this.
fn share(digits: &str, scale: u64) -> u64 {
    let (mut value, mut power): (u64, f64) = (0, 1.0);
    for digit in digits.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')));
        // Digits past 63 bits are left out.
        let Some(next) = next.filter(|next| value <= (MOST - 1) / 10 && *next <= MOST) else {
            break;
        };
        (value, power) = (next, power * 10.0);
    }
    if value == 0 {
        return 0;
    }
    (value as f64 * (scale as f64 / power)) as u64
}

/// The digits with which a text begins, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("-1.5s", -1_500_000_000),
            ("+.5ms", 500_000),
            ("1.s", 1_000_000_000),
            ("1µs2μs3us", 6_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(super::nanoseconds(text), Some(nanoseconds), "{text}");
        }
        for text in [
            "",
            "-",
            "5",
            "s",
            ".s",
            "1 s",
            "1d",
            "1S",
            "9223372036854775808ns",
            "--1s",
            "1h-1m",
        ] {
            assert_eq!(super::nanoseconds(text), None, "{text}");
        }
    }
}
