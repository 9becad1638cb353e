//! Kubernetes quantities as values of expressions, with Kubernetes' own functions and with operators.

use std::any::Any;
use std::cmp::Ordering;

use cel::ExecutionError;
use cel::common::functions::Function;
use cel::common::traits::{Adder, Comparer, Subtractor};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelUInt, Type};
use cel::common::value::{CowVal, StaticVal, Val};

use crate::k8s::quantity::Quantity;

/// The type of quantities.
pub(super) static QUANTITY: Type = Type::new_unspecified_type("quantity");

/// A quantity.
#[derive(Clone, Debug)]
pub(super) struct Amount(pub Quantity);

impl Amount {
    /// Reads a text, a number or a quantity.
    pub(super) fn of(value: &dyn Val) -> Option<Quantity> {
        if let Some(text) = value.downcast_ref::<CelString<'_>>() {
            return Quantity::parse(text.inner()).ok();
        }
        Self::number(value)
    }

    /// The amount of a quantity or a number; a text is none here.
    pub(super) fn number(value: &dyn Val) -> Option<Quantity> {
        if let Some(Amount(quantity)) = value.downcast_ref::<Amount>() {
            Some(quantity.clone())
        } else if let Some(int) = value.downcast_ref::<CelInt>() {
            Some(Quantity::from(*int.inner()))
        } else if let Some(uint) = value.downcast_ref::<CelUInt>() {
            Quantity::parse(&uint.inner().to_string()).ok()
        } else {
            let double = value.downcast_ref::<CelDouble>()?;
            Quantity::parse(&double.inner().to_string()).ok()
        }
    }

    fn other(&self, value: &dyn Val, function: &str) -> Result<Quantity, ExecutionError> {
        Self::number(value).ok_or_else(|| {
            ExecutionError::no_such_overload(
                function,
                vec!["quantity".to_owned(), value.get_type().name().to_owned()],
            )
        })
    }

    fn sum(&self, other: &Quantity) -> Result<Amount, ExecutionError> {
        let sum = self.0.checked_add(other);
        sum.map(Amount)
            .ok_or_else(|| ExecutionError::function_error("add", "the sum is too large"))
    }

    fn difference(&self, other: &Quantity) -> Result<Amount, ExecutionError> {
        let text = other.to_string();
        let negated = match text.strip_prefix('-') {
            Some(positive) => Quantity::parse(positive),
            None => Quantity::parse(&format!("-{}", text.trim_start_matches('+'))),
        };
        let negated = negated.map_err(|error| ExecutionError::function_error("sub", error))?;
        self.sum(&negated)
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i64 {
        match (self.0.is_negative(), self.0.is_zero()) {
            (true, _) => -1,
            (_, true) => 0,
            _ => 1,
        }
    }

    fn integer(&self) -> Option<i64> {
        let value = self.0.value();
        (Quantity::from(value) == self.0).then_some(value)
    }
}

impl Val for Amount {
    fn get_type(&self) -> &Type {
        &QUANTITY
    }

    fn cel_type() -> &'static Type {
        &QUANTITY
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        Self::number(other).is_some_and(|other| other == self.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Amount {}

impl Comparer for Amount {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        Ok(self.0.cmp(&self.other(other, "compare")?))
    }
}

impl Adder for Amount {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let other = Amount::number(other).ok_or_else(|| ExecutionError::no_such_overload("_+_", vec![]))?;
        Ok(CowVal::owned(self.sum(&other)?))
    }
}

impl Subtractor for Amount {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let other = Amount::number(other).ok_or_else(|| ExecutionError::no_such_overload("_-_", vec![]))?;
        Ok(CowVal::owned(self.difference(&other)?))
    }
}

/// `quantity(x)`.
pub(super) fn quantity<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let quantity = args.first().and_then(|value| Amount::of(value.as_ref()));
    quantity
        .map(|quantity| CowVal::owned(Amount(quantity)))
        .ok_or_else(|| ExecutionError::function_error("quantity", "not a quantity"))
}

/// `isQuantity(x)`.
pub(super) fn is_quantity<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let is = args.first().is_some_and(|value| Amount::of(value.as_ref()).is_some());
    Ok(CowVal::owned(CelBool::from(is)))
}

/// The members of a quantity, by their names.
pub(super) fn members() -> [(&'static str, bool, Function); 8] {
    [
        ("compareTo", true, |args| {
            let order = two(&args, "compareTo")?;
            Ok(CowVal::owned(CelInt::from(order as i64)))
        }),
        ("isGreaterThan", true, |args| {
            let order = two(&args, "isGreaterThan")?;
            Ok(CowVal::owned(CelBool::from(order == Ordering::Greater)))
        }),
        ("isLessThan", true, |args| {
            let order = two(&args, "isLessThan")?;
            Ok(CowVal::owned(CelBool::from(order == Ordering::Less)))
        }),
        ("add", true, |args| {
            let (amount, other) = operands(&args, "add")?;
            Ok(CowVal::owned(amount.sum(&other)?))
        }),
        ("sub", true, |args| {
            let (amount, other) = operands(&args, "sub")?;
            Ok(CowVal::owned(amount.difference(&other)?))
        }),
        ("sign", false, |args| {
            Ok(CowVal::owned(CelInt::from(one(&args, "sign")?.sign())))
        }),
        ("isInteger", false, |args| {
            let is = one(&args, "isInteger")?.integer().is_some();
            Ok(CowVal::owned(CelBool::from(is)))
        }),
        ("asInteger", false, |args| {
            let integer = one(&args, "asInteger")?.integer();
            integer
                .map(|integer| CowVal::owned(CelInt::from(integer)))
                .ok_or_else(|| ExecutionError::function_error("asInteger", "not a whole number that fits"))
        }),
    ]
}

fn one<'a>(args: &'a [CowVal<'_, '_>], function: &str) -> Result<&'a Amount, ExecutionError> {
    args.first()
        .and_then(|value| value.as_ref().downcast_ref::<Amount>())
        .ok_or_else(|| ExecutionError::no_such_overload(function, vec![]))
}

fn operands<'a>(args: &'a [CowVal<'_, '_>], function: &str) -> Result<(&'a Amount, Quantity), ExecutionError> {
    let amount = one(args, function)?;
    let other = args.get(1).ok_or_else(ExecutionError::missing_argument_or_target)?;
    Ok((amount, amount.other(other.as_ref(), function)?))
}

fn two(args: &[CowVal<'_, '_>], function: &str) -> Result<Ordering, ExecutionError> {
    let (amount, other) = operands(args, function)?;
    Ok(amount.0.cmp(&other))
}
