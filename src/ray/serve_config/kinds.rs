//! The types of Ray's models, and what pydantic accepts for each.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

use crate::diag::listed;
use crate::ray::release::Release;
use crate::yaml::{Node, NodeValue};

use super::keys::{MODELS, PYDANTIC_1, RELEASES};
pub use super::types::{Field, Kind, Model, Number, Protocol, Releases, Typed, Whole};

impl Releases {
    /// No release.
    pub const NONE: Releases = Releases(0);
    /// Every release.
    pub const ALL: Releases = Releases((1 << RELEASES.len()) - 1);

    /// The newest release.
    pub const NEWEST: Releases = Releases(1 << (RELEASES.len() - 1));

    /// The newest of the releases that is not newer than the given one, or the oldest of all.
    pub fn nearest(release: Release) -> Releases {
        let is_older = |text: &str| Release::leading(text).is_some_and(|known| known <= release);
        let older = RELEASES.iter().take_while(|text| is_older(text)).count();
        Releases(1 << older.saturating_sub(1))
    }

    /// The given release and all later ones.
    pub fn since(first: Release) -> Releases {
        let is_later = |text: &&str| Release::leading(text).is_some_and(|release| release >= first);
        RELEASES
            .iter()
            .enumerate()
            .filter(|(_, text)| is_later(text))
            .fold(Self::NONE, |all, (bit, _)| all | Releases(1 << bit))
    }

    /// The given release, or the two next to it where it is not among the known ones: what both do, it does too.
    pub fn around(release: Release) -> Releases {
        let is_later = |text: &&str| Release::leading(text).is_some_and(|known| known >= release);
        let later = RELEASES.iter().position(is_later);
        let next = later.map_or(Self::NEWEST, |bit| Releases(1 << bit));
        let is_known = later
            .and_then(|bit| RELEASES.get(bit))
            .and_then(|text| Release::leading(text))
            == Some(release);
        if is_known { next } else { next | Self::nearest(release) }
    }

    /// `Ray rejects`, or the oldest and the newest release that do.
    pub fn who_rejects(self) -> String {
        if self == Self::ALL {
            return "Ray rejects".to_owned();
        }
        let mut known = RELEASES
            .iter()
            .enumerate()
            .filter(|(bit, _)| !(Releases(1 << bit) & self).is_none());
        let first = known.next().map(|(_, release)| *release).unwrap_or_default();
        match known.next_back() {
            Some((_, last)) => format!("Ray {first} to {last} reject"),
            None => format!("Ray {first} rejects"),
        }
    }

    /// Whether it is empty.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl BitAnd for Releases {
    type Output = Releases;

    fn bitand(self, other: Releases) -> Releases {
        Releases(self.0 & other.0)
    }
}

impl BitOr for Releases {
    type Output = Releases;

    fn bitor(self, other: Releases) -> Releases {
        Releases(self.0 | other.0)
    }
}

impl Not for Releases {
    type Output = Releases;

    fn not(self) -> Releases {
        Releases(!self.0 & Self::ALL.0)
    }
}

impl Model {
    /// The model of a class.
    pub fn named(name: &str) -> Option<&'static Model> {
        MODELS.iter().find(|model| model.name == name)
    }
}

impl Kind {
    /// The releases that reject a value; what is inside a list, mapping or model is not looked at.
    pub fn rejected(&self, node: &Node) -> Releases {
        let by_first = if self.accepts(node, true) {
            Releases::NONE
        } else {
            PYDANTIC_1
        };
        let by_second = if self.accepts(node, false) {
            Releases::NONE
        } else {
            !PYDANTIC_1
        };
        by_first | by_second
    }

    /// Whether pydantic 1 (`first`) or 2 accepts a value.
    fn accepts(&self, node: &Node, first: bool) -> bool {
        match self {
            Kind::Any => true,
            Kind::Str => match &node.value {
                NodeValue::String(_) => true,
                NodeValue::Number(_) | NodeValue::Bool(_) => first,
                _ => false,
            },
            Kind::Bool => boolean(&node.value).is_some(),
            Kind::Number(number) => number.read(node, first).is_some_and(|value| number.contains(value)),
            Kind::List(_) => node.as_sequence().is_some(),
            Kind::Dict | Kind::Map(_) | Kind::Model(_) => {
                node.as_mapping().is_some() || first && is_convertible_to_mapping(node)
            }
            Kind::Enum(values) => node.as_str().is_some_and(|text| values.contains(&text)),
            Kind::OneOf(kinds) => kinds.iter().any(|kind| kind.accepts(node, first)),
        }
    }
}

impl Number {
    /// The number that pydantic 1 (`first`) or 2 reads.
    pub fn read(&self, node: &Node, first: bool) -> Option<f64> {
        match (&node.value, self.whole) {
            (NodeValue::Number(number), Whole::No) => number.as_f64(),
            (NodeValue::Number(number), _) if !number.is_f64() => number.as_f64(),
            (NodeValue::Number(number), Whole::Lax) => {
                let number = number.as_f64()?;
                (first || number.fract() == 0.0).then(|| number.trunc())
            }
            (NodeValue::Bool(value), Whole::No | Whole::Lax) => Some(f64::from(u8::from(*value))),
            (NodeValue::String(text), Whole::No) => float(text),
            (NodeValue::String(text), Whole::Lax) => {
                let text = text.trim();
                let whole = if first { text } else { without_zeros(text) };
                integer(whole)
            }
            _ => None,
        }
    }

    fn contains(&self, value: f64) -> bool {
        self.least.is_none_or(|least| value >= least)
            && self.above.is_none_or(|above| value > above)
            && self.most.is_none_or(|most| value <= most)
    }
}

/// The text before a point that only zeros follow.
fn without_zeros(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    }
}

/// A whole number as Python reads it from a string: a sign, and digits with single underscores between them.
fn integer(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number {
        text.replace('_', "").parse().ok()
    } else {
        None
    }
}

/// A number as Python reads it from a string.
fn float(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_between_digits = |window: &[u8]| match window {
        [before, b'_', after] => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => true,
    };
    let is_fine = !text.starts_with('_') && !text.ends_with('_') && bytes.windows(3).all(is_between_digits);
    if is_fine {
        text.replace('_', "").parse().ok()
    } else {
        None
    }
}

/// A boolean, or what pydantic converts to one.
fn boolean(value: &NodeValue) -> Option<bool> {
    match value {
        NodeValue::Bool(value) => Some(*value),
        NodeValue::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        NodeValue::String(text) => match &*text.to_lowercase() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whether Python's `dict` accepts a value that is not a mapping: a list of pairs, or an empty list or text.
fn is_convertible_to_mapping(node: &Node) -> bool {
    let is_pair = |item: &Node| match &item.value {
        NodeValue::String(text) => text.chars().count() == 2,
        NodeValue::Sequence(pair) => match pair.as_slice() {
            [key, _] => key.as_sequence().is_none() && key.as_mapping().is_none(),
            _ => false,
        },
        _ => false,
    };
    match &node.value {
        NodeValue::String(text) => text.is_empty(),
        NodeValue::Sequence(items) => items.iter().all(is_pair),
        _ => false,
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Any => f.write_str("any value"),
            Kind::Str => f.write_str("a string"),
            Kind::Bool => f.write_str("true or false"),
            Kind::Number(number) => number.fmt(f),
            Kind::List(_) => f.write_str("a list"),
            Kind::Dict | Kind::Map(_) | Kind::Model(_) => f.write_str("a mapping"),
            Kind::Enum(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                write!(f, "one of {}", listed(&values))
            }
            Kind::OneOf(kinds) => {
                for (index, kind) in kinds.iter().enumerate() {
                    let or = if index > 0 { " or " } else { "" };
                    write!(f, "{or}{kind}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.whole == Whole::No {
            "a number"
        } else {
            "an integer"
        })?;
        match (self.least, self.above, self.most) {
            (Some(least), _, Some(most)) => write!(f, " from {least} to {most}"),
            (Some(least), _, None) => write!(f, " of at least {least}"),
            (None, Some(above), Some(most)) => write!(f, " above {above}, at most {most}"),
            (None, Some(above), None) => write!(f, " above {above}"),
            (None, None, Some(most)) => write!(f, " of at most {most}"),
            (None, None, None) => Ok(()),
        }
    }
}
