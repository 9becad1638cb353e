//! Moments as a command line names them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// A moment, or the first one of a day.
///
/// # Errors
/// What to write instead.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let wanted = "write a date such as 2026-11-26, or a time such as 2026-11-26T14:00:00Z";
    let parsed = if text.contains(['T', 't']) {
        text.parse()
    } else {
        text.parse::<Date>()
            .and_then(|day| Offset::UTC.to_timestamp(day.into()))
    };
    parsed.map_err(|_| wanted.to_owned())
}
