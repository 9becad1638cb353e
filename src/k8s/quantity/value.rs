//! A quantity as a value: its amount, and the units that it is printed with.

use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use crate::json::{Json, Tree, View};

use super::amount::{self, Amount, NANOS};

/// An amount such as `500m`, `2` or `32Gi`, exact to a billionth.
///
/// Two quantities are equal when their values are: `1Gi` equals `1024Mi`. A clone costs at most two reference counts,
/// and whatever the exponent, time and memory are bounded by the length of the text.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub(super) amount: Amount,
    pub(super) format: Format,
    /// The author's spelling, where Go prints that instead of the canonical form.
    pub(super) spelling: Option<Arc<str>>,
}

/// The family of units that a quantity was written in and is printed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// Why something is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text is empty.
    #[error("cannot read an empty text as a quantity: write a number with an optional unit, such as 500m, 2 or 32Gi")]
    Empty,
    /// There is no number where one must be.
    #[error("cannot read `{seen}` as a quantity: write a number with an optional unit, such as 500m, 2 or 32Gi")]
    NotANumber {
        /// The text, shortened.
        seen: String,
    },
    /// What follows the number is no unit.
    #[error(
        "cannot read `{seen}` as a quantity: `{unit}` is not a unit{hint}{} the units are n u m k M G T P E and \
         Ki Mi Gi Ti Pi Ei, directly after the number",
        if hint.is_empty() { ";" } else { "" }
    )]
    Unit {
        /// The text, shortened.
        seen: String,
        /// What stands in the place of the unit.
        unit: String,
        /// A question that names the likely unit, or nothing.
        hint: &'static str,
    },
    /// The exponent is not a whole number that Kubernetes can read.
    #[error(
        "cannot read `{seen}` as a quantity: its exponent must be a whole number with no unit after it, such as 1e3"
    )]
    Exponent {
        /// The text, shortened.
        seen: String,
    },
    /// A JSON number with a fraction, or too large to be exact.
    #[error(
        "cannot read the number {seen} as a quantity: a number in JSON must be whole and below 2^53 where it has a \
         point or an exponent; write it in quotes, such as \"500m\""
    )]
    NotAnInteger {
        /// The number.
        seen: String,
    },
    /// JSON that is neither text nor number.
    #[error("cannot read {kind} as a quantity: write text such as \"500m\" or \"32Gi\", or a whole number")]
    WrongType {
        /// What was found, with its article.
        kind: &'static str,
    },
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self {
        amount: Amount::ZERO,
        format: Format::DecimalSi,
        spelling: None,
    };

    /// Reads a field that the CRD marks as `x-kubernetes-int-or-string`: text, or a whole number.
    ///
    /// # Errors
    /// When the text is not a quantity, when the value is something else, or when the number is not whole: neither an
    /// `i64` nor a float without a fraction below 2⁵³, from where on the API server refuses it too.
    pub fn from_json(value: Json<'_>) -> Result<Self, QuantityError> {
        let kind = match value.view() {
            View::String(text) => return Self::parse(text),
            View::Number(number) => {
                let integer = number.as_i64().or_else(|| whole(number.as_f64()?));
                return integer.map(Self::from).ok_or_else(|| QuantityError::NotAnInteger {
                    seen: number.to_string(),
                });
            }
            View::Null => "null",
            View::Bool(_) => "a boolean",
            View::Array(_) => "a list",
            View::Object(_) => "a map",
        };
        Err(QuantityError::WrongType { kind })
    }

    /// The same for a value of a policy.
    ///
    /// # Errors
    /// As [`Quantity::from_json`].
    pub fn from_value(value: &Value) -> Result<Self, QuantityError> {
        Self::from_json(Tree::of(value).unwrap_or_default().root())
    }

    /// A number of bytes, printed with binary units.
    pub fn from_bytes(bytes: i64) -> Self {
        Self {
            amount: Amount::scaled(bytes, 0),
            format: Format::BinarySi,
            spelling: None,
        }
    }

    /// A number of thousandths, such as milli-CPUs.
    pub fn from_milli(milli: i64) -> Self {
        Self {
            amount: Amount::scaled(milli, -3),
            format: Format::DecimalSi,
            spelling: None,
        }
    }

    /// Whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.amount == Amount::ZERO
    }

    /// Whether the amount is below zero.
    pub fn is_negative(&self) -> bool {
        self.amount.sign() == Ordering::Less
    }

    /// Whether the amount has no fraction.
    pub fn is_integer(&self) -> bool {
        self.amount.nanos().is_none_or(|nanos| nanos % NANOS == 0)
    }

    /// The amount in whole units, rounded away from zero.
    ///
    /// What `i64` cannot hold becomes its nearest end; Go's `Value` wraps around there, or answers 0.
    pub fn value(&self) -> i64 {
        self.amount.in_units_of(NANOS)
    }

    /// The amount in thousandths, rounded away from zero and held within `i64` like [`Self::value`].
    pub fn milli_value(&self) -> i64 {
        self.amount.in_units_of(NANOS / 1000)
    }

    /// The exact sum, in the units of `self` unless that is zero; `None` from about 10²⁹ upwards.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let sum = self.amount.nanos()?.checked_add(other.amount.nanos()?)?;
        Some(Self::from_nanos(
            sum,
            if self.is_zero() { other.format } else { self.format },
        ))
    }

    /// The sum; where it is too large to be exact, whichever of the two weighs more stands for it.
    pub fn saturating_add(&self, other: &Self) -> Self {
        self.checked_add(other).unwrap_or_else(|| {
            let heavier = if self.amount.cmp_magnitude(&other.amount).is_lt() {
                other
            } else {
                self
            };
            heavier.clone()
        })
    }

    /// The exact product with a count, such as a number of replicas; `None` from about 10²⁹ upwards.
    pub fn checked_mul(&self, count: u64) -> Option<Self> {
        let product = self.amount.nanos()?.checked_mul(i128::from(count))?;
        Some(Self::from_nanos(product, self.format))
    }

    /// The product with a count; where it is too large to be exact, the largest exact amount of its sign or, if that
    /// is already less than `self`, `self`.
    pub fn saturating_mul(&self, count: u64) -> Self {
        if count == 0 {
            return Self::from_nanos(0, self.format);
        }
        self.checked_mul(count).unwrap_or_else(|| {
            let end = Self::from_nanos(if self.is_negative() { -i128::MAX } else { i128::MAX }, self.format);
            if self.amount.cmp_magnitude(&end.amount).is_gt() {
                self.clone()
            } else {
                end
            }
        })
    }

    /// So many percent of the amount, rounded away from zero to whole units: 50 % of `1Gi` is `512Mi`, 50 % of 3
    /// bytes are 2. `None` from about 10²⁹ upwards.
    pub fn checked_percent(&self, percent: u32) -> Option<Self> {
        let hundredths = self.amount.nanos()?.checked_mul(i128::from(percent))?;
        let units = amount::round_away(hundredths, 100 * NANOS);
        Some(Self::from_nanos(units.checked_mul(NANOS)?, self.format))
    }

    pub(super) fn from_nanos(nanos: i128, format: Format) -> Self {
        Self {
            amount: Amount::Nanos(nanos),
            format,
            spelling: None,
        }
    }
}

/// The API server takes a float for an integer where it is one, within the range in which that is certain.
pub(super) fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_991.0;
    (number.fract() == 0.0 && number.abs() <= LIMIT).then_some(number as i64)
}

impl From<i64> for Quantity {
    fn from(units: i64) -> Self {
        Self {
            amount: Amount::scaled(units, 0),
            format: Format::DecimalSi,
            spelling: None,
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::from_value(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.amount == other.amount
    }
}

impl Eq for Quantity {}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.amount.cmp(&other.amount)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
