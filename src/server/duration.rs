//! Durations as Go writes them (`10s`, `1m30s`, `1.5s`): the API server's `?timeout=`, and `--drain-delay`.
//!
//! jiff reads each number with its unit. Its own format of durations is another one: it takes blanks, words and ISO 8601
//! (`10 seconds`, `PT10S`), and neither `0` nor units in any order (`1s1h`, `1.5h30m`), as Go does.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads a Go duration. `None` for anything else, a negative or unlimited one included.
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut sum = SignedDuration::ZERO;
    let mut rest = text;
    loop {
        let (number, after) = rest.split_at_checked(rest.find(|c| !is_number(c))?)?;
        let (unit, after) = after.split_at_checked(after.find(is_number).unwrap_or(after.len()))?;
        let unit = match unit {
            "h" | "m" | "s" | "ms" | "us" | "ns" => unit,
            "µs" | "μs" => "us",
            _ => return None,
        };
        sum = sum.checked_add(format!("{number}{unit}").parse().ok()?)?;
        if after.is_empty() {
            return sum.try_into().ok();
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        for (text, millis) in [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1.5s", 1500),
            ("500ms", 500),
            ("0", 0),
            ("0s", 0),
            ("1h", 3_600_000),
            ("1h0m0s", 3_600_000),
            ("1.5h30m", 7_200_000),
            ("1s1h1s", 3_602_000),
            ("1500µs500μs", 2),
            ("2000us", 2),
            ("2000000ns", 2),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "10 s",
            "1x",
            "10seconds",
            "10sec",
            "1s ago",
            "1s, 2ms",
            "PT10S",
            "+1s",
            "1d",
            "00:00:10",
            "1..2s",
            "١s",
            "inf",
            "NaNs",
            "1e3s",
            "99999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
