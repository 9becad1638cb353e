//! The number inside a quantity: exact, ordered by value, and bounded by the length of its text.

use std::cmp::Ordering;
use std::sync::Arc;

/// Units of 10⁻⁹ in one.
pub(super) const NANOS: i128 = 1_000_000_000;

/// Kubernetes keeps nothing finer than 10⁻⁹, so every amount is a whole number of nanos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Amount {
    Nanos(i128),
    /// Only for what `Nanos` cannot hold (above 1.7 × 10²⁹), so the two never describe the same number.
    Huge(Arc<Huge>),
}

/// `digits × 10^exponent`. An exponent of two thousand million is legal, so nothing is ever written out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Huge {
    negative: bool,
    /// ASCII digits without zeros at either end.
    digits: Box<[u8]>,
    exponent: i64,
}

impl Amount {
    pub(super) const ZERO: Self = Self::Nanos(0);

    /// `mantissa × 10^exponent`, for an exponent of at least -9.
    pub(super) fn scaled(mantissa: i64, exponent: i32) -> Self {
        let nanos = i64::from(exponent).checked_add(9).and_then(power_of_ten);
        match nanos.and_then(|power| i128::from(mantissa).checked_mul(power)) {
            Some(nanos) => Self::Nanos(nanos),
            None => {
                let digits = mantissa.unsigned_abs().to_string().into_bytes();
                Self::from_digits(mantissa < 0, digits, i64::from(exponent))
            }
        }
    }

    /// `digits × 10^exponent`, what is finer than a nano rounded away from zero.
    pub(super) fn from_digits(negative: bool, mut digits: Vec<u8>, exponent: i64) -> Self {
        let exponent = round_to_nanos(&mut digits, exponent);
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..leading);
        let mut exponent = exponent;
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent = exponent.saturating_add(1);
        }
        if digits.is_empty() {
            return Self::ZERO;
        }
        match nanos(&digits, exponent) {
            Some(nanos) => Self::Nanos(if negative { -nanos } else { nanos }),
            None => Self::Huge(Arc::new(Huge {
                negative,
                digits: digits.into(),
                exponent,
            })),
        }
    }

    pub(super) fn sign(&self) -> Ordering {
        match self {
            Self::Nanos(nanos) => nanos.cmp(&0),
            Self::Huge(huge) if huge.negative => Ordering::Less,
            Self::Huge(_) => Ordering::Greater,
        }
    }

    /// Compares without the signs.
    pub(super) fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Nanos(left), Self::Nanos(right)) => left.unsigned_abs().cmp(&right.unsigned_abs()),
            (Self::Huge(left), Self::Huge(right)) => left.cmp_magnitude(right),
            (Self::Huge(_), Self::Nanos(_)) => Ordering::Greater,
            (Self::Nanos(_), Self::Huge(_)) => Ordering::Less,
        }
    }

    /// The amount in multiples of `unit` nanos, rounded away from zero and held within `i64`.
    pub(super) fn in_units_of(&self, unit: i128) -> i64 {
        match self {
            Self::Nanos(nanos) => saturate(round_away(*nanos, unit)),
            Self::Huge(huge) if huge.negative => i64::MIN,
            Self::Huge(_) => i64::MAX,
        }
    }

    pub(super) fn nanos(&self) -> Option<i128> {
        match self {
            Self::Nanos(nanos) => Some(*nanos),
            Self::Huge(_) => None,
        }
    }

    /// `(negative, digits, exponent)` with the fewest digits; zero has none.
    pub(super) fn to_digits(&self) -> (bool, String, i64) {
        match self {
            Self::Nanos(nanos) => {
                let mut magnitude = nanos.unsigned_abs();
                let mut exponent = -9;
                while magnitude != 0 && magnitude.is_multiple_of(10) {
                    magnitude /= 10;
                    exponent += 1;
                }
                let digits = if magnitude == 0 {
                    String::new()
                } else {
                    magnitude.to_string()
                };
                (*nanos < 0, digits, exponent)
            }
            Self::Huge(huge) => (
                huge.negative,
                String::from_utf8_lossy(&huge.digits).into_owned(),
                huge.exponent,
            ),
        }
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Nanos(left), Self::Nanos(right)) => left.cmp(right),
            (Self::Huge(left), Self::Huge(right)) => match (left.negative, right.negative) {
                (false, false) => left.cmp_magnitude(right),
                (true, true) => right.cmp_magnitude(left),
                (left_negative, right_negative) => right_negative.cmp(&left_negative),
            },
            (Self::Huge(_), Self::Nanos(_)) => self.sign(),
            (Self::Nanos(_), Self::Huge(_)) => other.sign().reverse(),
        }
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Huge {
    /// Without zeros at either end, the longer number is the greater, and between equals the digits decide as text.
    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        let length = |huge: &Self| i128::from(huge.exponent) + huge.digits.len() as i128;
        length(self)
            .cmp(&length(other))
            .then_with(|| self.digits.cmp(&other.digits))
    }
}

/// `dividend / divisor`, rounded away from zero, for a positive divisor.
pub(super) fn round_away(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    if dividend % divisor == 0 {
        quotient
    } else {
        quotient + dividend.signum()
    }
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// 10^exponent, where `i128` has room for it.
fn power_of_ten(exponent: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

fn nanos(digits: &[u8], exponent: i64) -> Option<i128> {
    let power = power_of_ten(exponent.checked_add(9)?)?;
    let mut mantissa = 0_i128;
    for digit in digits {
        mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    mantissa.checked_mul(power)
}

/// Drops the digits below 10⁻⁹, carries one if any of them counted, and returns the exponent that then holds.
fn round_to_nanos(digits: &mut Vec<u8>, exponent: i64) -> i64 {
    if exponent >= -9 {
        return exponent;
    }
    let surplus = usize::try_from((-9_i64).saturating_sub(exponent)).unwrap_or(usize::MAX);
    let kept = digits.len().saturating_sub(surplus);
    let lost = digits.drain(kept..).any(|digit| digit != b'0');
    if lost {
        carry_one(digits);
    }
    -9
}

fn carry_one(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}
