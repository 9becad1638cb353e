//! Durations as Go writes them (`10s`, `1m30s`, `1.5s`): the API server's `?timeout=`, and `--drain-delay`.

use std::time::Duration;

use crate::k8s::duration::nanoseconds;

/// Reads a Go duration. `None` for anything else, a negative or unlimited one included.
pub fn parse(text: &str) -> Option<Duration> {
    let nanoseconds = u64::try_from(nanoseconds(text)?).ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_duration_is_negative() {
        for (text, millis) in [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1.5s", 1500),
            ("500ms", 500),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "10",
            "-1s",
            "10 s",
            "10 seconds",
            "PT10S",
            "inf",
            "99999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
