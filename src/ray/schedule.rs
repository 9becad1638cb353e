//! When a RayCronJob runs: its schedule as `ParseStandard` of `github.com/robfig/cron` 3.0.1 reads it, its time zone as
//! Go's `time.LoadLocation` does, and the timeout of a RayService in an annotation.

use jiff::tz::TimeZoneDatabase;

use crate::diag::{counted, suggest};
use crate::k8s::duration;

/// Set in a field of a [`Schedule`] that was written as `*` or `?`.
const STAR: u64 = 1 << 63;

/// A schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At the minutes that all five fields allow.
    Fields {
        /// Minutes, 0 to 59: the bits of the allowed ones, here and below. The highest bit stands for `*`.
        minute: u64,
        /// Hours, 0 to 23.
        hour: u64,
        /// Days of the month, 1 to 31.
        day_of_month: u64,
        /// Months, 1 to 12.
        month: u64,
        /// Days of the week, 0 to 6 from Sunday on.
        day_of_week: u64,
    },
    /// At an interval.
    Every {
        /// Its seconds, at least one.
        seconds: u64,
    },
}

/// A field: what it is called, its bounds, and the names of its values from the lowest one on.
struct Field {
    name: &'static str,
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const fn field(name: &'static str, min: u64, max: u64, names: &'static [&'static str]) -> Field {
    Field { name, min, max, names }
}

const MINUTE: Field = field("minute", 0, 59, &[]);
const HOUR: Field = field("hour", 0, 23, &[]);
const DAY_OF_MONTH: Field = field("day of month", 1, 31, &[]);
const MONTH: Field = field("month", 1, 12, &MONTHS);
const DAY_OF_WEEK: Field = field("day of week", 0, 6, &DAYS);

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong, as a clause that repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let text = without_zone(text)?;
        if text.starts_with('@') {
            return named(text);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else {
            return Err(format!("it has {}, must have 5", counted(fields.len(), "field")));
        };
        Ok(Schedule::Fields {
            minute: MINUTE.read(minute)?,
            hour: HOUR.read(hour)?,
            day_of_month: DAY_OF_MONTH.read(day_of_month)?,
            month: MONTH.read(month)?,
            day_of_week: DAY_OF_WEEK.read(day_of_week)?,
        })
    }

    /// Whether no time ever matches, such as the 30th of February.
    pub fn is_never(&self) -> bool {
        let Schedule::Fields {
            minute,
            hour,
            day_of_month,
            month,
            day_of_week,
        } = *self
        else {
            return false;
        };
        let lengths = [31_u64, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let has_day = (1_u64..).zip(lengths).any(|(number, length)| {
            let days = (1 << (length + 1)) - 2;
            month & 1 << number != 0 && day_of_month & days != 0
        });
        let has_weekday = day_of_week & !STAR != 0;
        // With a star in either, a day must match both fields; otherwise one of them is enough.
        let is_both = (day_of_month | day_of_week) & STAR != 0;
        let has_month = month & !STAR != 0;
        let has_date = if is_both {
            has_day && has_weekday
        } else {
            has_day || has_month && has_weekday
        };
        minute & !STAR == 0 || hour & !STAR == 0 || !has_date
    }
}

/// The text behind `TZ=…` or `CRON_TZ=…`, which KubeRay 1.6 takes and 1.7 does not.
fn without_zone(text: &str) -> Result<&str, String> {
    let Some(zone) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) else {
        return Ok(text);
    };
    let (zone, rest) = zone.split_once(' ').ok_or("it has a time zone and no fields")?;
    if is_zone(zone) {
        Ok(rest.trim())
    } else {
        Err("it names an unknown time zone".to_owned())
    }
}

fn named(text: &str) -> Result<Schedule, String> {
    let fields = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        text => {
            let Some(interval) = text.strip_prefix("@every ") else {
                return Err("it is not a known name such as `@daily` or `@every 2h`".to_owned());
            };
            let nanoseconds =
                duration::nanoseconds(interval).ok_or("its interval is invalid, write it as in `@every 1h30m`")?;
            let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or_default();
            return Ok(Schedule::Every {
                seconds: seconds.max(1),
            });
        }
    };
    Schedule::parse(fields)
}

impl Field {
    /// The bits of a list of ranges. Empty elements of the list are skipped.
    fn read(&self, text: &str) -> Result<u64, String> {
        let ranges = text.split(',').filter(|range| !range.is_empty());
        ranges
            .map(|range| self.range(range))
            .try_fold(0, |all, bits| Ok(all | bits?))
    }

    /// The bits of `*`, `?`, `N`, `N-N`, and each of these with `/N` behind it.
    fn range(&self, text: &str) -> Result<u64, String> {
        let wrong = |problem: &str| format!("the {} {problem}", self.name);
        let mut parts = text.split('/');
        let (bounds, step) = (parts.next().unwrap_or_default(), parts.next());
        let mut ends = bounds.split('-');
        let (low, high) = (ends.next().unwrap_or_default(), ends.next());
        let is_star = matches!(low, "*" | "?");
        let (start, mut end) = if is_star {
            (self.min, self.max)
        } else {
            let start = self.value(low)?;
            let end = high.map_or(Ok(start), |high| self.value(high))?;
            if ends.next().is_some() {
                return Err(wrong("has more than one hyphen"));
            }
            (start, end)
        };
        let step = match step {
            Some(step) => {
                let step = integer(step).ok_or_else(|| wrong("has a step that is not a number"))?;
                if high.is_none() {
                    end = self.max;
                }
                step
            }
            None => 1,
        };
        if parts.next().is_some() {
            return Err(wrong("has more than one slash"));
        }
        if start < self.min || end > self.max {
            let sunday = if self.names == DAYS { ", Sunday is 0" } else { "" };
            return Err(wrong(&format!("is not between {} and {}{sunday}", self.min, self.max)));
        }
        if start > end {
            return Err(wrong("has a range that ends before it begins"));
        }
        if step == 0 {
            return Err(wrong("has a step of 0"));
        }
        let star = if is_star && step == 1 { STAR } else { 0 };
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        Ok((start..=end).step_by(step).fold(star, |bits, value| bits | 1 << value))
    }

    /// A number, or the name of one.
    fn value(&self, text: &str) -> Result<u64, String> {
        // Go's lower case of a letter is one letter.
        let lower: String = text.chars().filter_map(|letter| letter.to_lowercase().next()).collect();
        let named = (self.min..).zip(self.names).find(|(_, name)| **name == lower);
        let value = named.map(|(value, _)| value).or_else(|| integer(text));
        value.ok_or_else(|| match self.names {
            [] => format!("the {} is not a number", self.name),
            [first, ..] => {
                let meant = self.names.iter().find(|name| lower.starts_with(**name));
                let verb = if meant.is_some() { "write" } else { "such as" };
                format!(
                    "the {} is neither a number nor a known name, {verb} `{}`",
                    self.name,
                    meant.unwrap_or(first)
                )
            }
        })
    }
}

/// A number that is not negative, as Go's `strconv.Atoi` reads it.
fn integer(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<i64>().ok()?).ok()
}

/// Whether Go's `time.LoadLocation` finds a time zone. Its names are case-sensitive; the empty one means UTC. The names are
/// paths in KubeRay's image, where Debian's database has the folders `posix` and `right` too.
pub fn is_zone(name: &str) -> bool {
    if matches!(name, "" | "UTC" | "Local") {
        return true;
    }
    if name.contains("..") || name.starts_with(['/', '\\']) || name.ends_with('/') {
        return false;
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let name = match parts.as_slice() {
        ["posix" | "right", name @ ..] | name => name.join("/"),
    };
    let zone = TimeZoneDatabase::bundled().get(&name);
    zone.is_ok_and(|zone| zone.iana_name() == Some(&name))
}

/// The time zone that a misspelt name probably means.
pub fn nearest_zone(name: &str) -> Option<String> {
    let zones: Vec<String> = TimeZoneDatabase::bundled()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    suggest(name, zones.iter().map(String::as_str)).map(str::to_owned)
}

/// Whether KubeRay takes a text as the annotation `ray.io/initializing-timeout`: a positive duration of Go, a positive number
/// of seconds, or nothing (KubeRay 1.6, `validateInitializingTimeout`).
pub fn is_timeout(text: &str) -> bool {
    let number = || text.parse::<i64>().ok();
    text.is_empty() || duration::nanoseconds(text).or_else(number).is_some_and(|time| time > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("", "it is empty"),
            ("* * * *", "it has 4 fields, must have 5"),
            ("0", "it has 1 field, must have 5"),
            ("60 * * * *", "the minute is not between 0 and 59"),
            ("* 24 * * *", "the hour is not between 0 and 23"),
            ("* * 0 * *", "the day of month is not between 1 and 31"),
            ("* * jan * *", "the day of month is not a number"),
            (
                "* * * jam *",
                "the month is neither a number nor a known name, such as `jan`",
            ),
            (
                "* * * FEBRUARY *",
                "the month is neither a number nor a known name, write `feb`",
            ),
            ("* * * * 7", "the day of week is not between 0 and 6, Sunday is 0"),
            ("5-1 * * * *", "the minute has a range that ends before it begins"),
            ("*/0 * * * *", "the minute has a step of 0"),
            ("@dayly", "it is not a known name such as `@daily` or `@every 2h`"),
            ("@every 2", "its interval is invalid, write it as in `@every 1h30m`"),
            ("TZ=Europe/Berlin", "it has a time zone and no fields"),
            ("TZ=Europe/Nowhere * * * * *", "it names an unknown time zone"),
        ] {
            assert_eq!(Schedule::parse(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn some_schedules_never_match() {
        for (text, is_never) in [
            ("0 0 30 2 *", true),
            ("0 0 31 4,6,9,11 *", true),
            ("0 0 29 2 *", false),
            ("0 0 30 2 1", false),
            (", * * * *", true),
            ("0 0 * * ,", true),
            ("@every 1s", false),
        ] {
            assert_eq!(
                Schedule::parse(text).map(|schedule| schedule.is_never()),
                Ok(is_never),
                "{text}"
            );
        }
    }

    #[test]
    fn time_zones_are_case_sensitive() {
        for name in [
            "Europe/Berlin",
            "US/Pacific",
            "Etc/GMT+5",
            "UTC",
            "Local",
            "",
            "posix/Asia/Tokyo",
        ] {
            assert!(is_zone(name), "{name}");
        }
        for name in [
            "europe/berlin",
            "utc",
            "local",
            "Europe/Nowhere",
            "../UTC",
            "/etc/localtime",
            "UTC+2",
            " UTC",
        ] {
            assert!(!is_zone(name), "{name}");
        }
    }

    #[test]
    fn timeouts_are_positive() {
        for text in ["", "30m", "1h30m", "90", "+90"] {
            assert!(is_timeout(text), "{text}");
        }
        for text in ["0", "0s", "-5m", "-5", "5 minutes", "1d", "1.5"] {
            assert!(!is_timeout(text), "{text}");
        }
    }
}
