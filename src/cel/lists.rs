//! Kubernetes' functions of lists, which go through every element: `sum`, `min`, `max`, `isSorted` and positions.

use std::cmp::Ordering;

use cel::common::types::{CelBool, CelDouble, CelInt};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use crate::k8s::quantity::Quantity;

use super::gauge::{anything, meter};
use super::meter::Meter;
use super::quantity::Amount;
use super::value::same;

/// Declares the functions under the names that rewritten expressions call.
pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("@isSorted", "@isSorted", anything(2), |args| {
        let mut is_sorted = true;
        each_pair(&args, "isSorted", |one, next| {
            is_sorted &= compare(one, next, "isSorted")? != Ordering::Greater;
            Ok(())
        })?;
        Ok(CowVal::owned(CelBool::from(is_sorted)))
    })?;
    env.add_overload("@min", "@min", anything(2), |args| best(&args, "min", Ordering::Less))?;
    env.add_overload("@max", "@max", anything(2), |args| {
        best(&args, "max", Ordering::Greater)
    })?;
    env.add_overload("@sum", "@sum", anything(2), sum)
}

/// The position of an element that equals `wanted`; `wants` says whether a further one counts.
pub(super) fn position(
    list: &dyn Val,
    wanted: &dyn Val,
    meter: &Meter,
    wants: impl Fn(Option<i64>, i64) -> bool,
) -> Result<Option<i64>, ExecutionError> {
    let mut items = list
        .as_iterable()
        .ok_or_else(|| ExecutionError::no_such_overload("indexOf", vec![]))?
        .iter();
    let (mut found, mut at) = (None, 0);
    while let Some(item) = items.next() {
        meter.charge(1)?;
        if same(item, wanted, meter) && wants(found, at) {
            found = Some(at);
        }
        at += 1;
    }
    Ok(found)
}

fn no_list(function: &str, list: &dyn Val) -> ExecutionError {
    ExecutionError::no_such_overload(function, vec![list.get_type().name().to_owned()])
}

fn compare(one: &dyn Val, other: &dyn Val, function: &str) -> Result<Ordering, ExecutionError> {
    one.as_comparer().ok_or_else(|| no_list(function, one))?.compare(other)
}

/// Goes through neighbours, a step each.
fn each_pair(
    args: &[CowVal<'_, '_>],
    function: &str,
    mut look: impl FnMut(&dyn Val, &dyn Val) -> Result<(), ExecutionError>,
) -> Result<(), ExecutionError> {
    let meter = meter(args, 1)?;
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let mut items = list
        .as_iterable()
        .ok_or_else(|| no_list(function, list.as_ref()))?
        .iter();
    let mut before = items.next();
    while let (Some(one), Some(next)) = (before, items.next()) {
        meter.charge(1)?;
        look(one, next)?;
        before = Some(next);
    }
    Ok(())
}

fn best<'b, 'v>(args: &[CowVal<'b, 'v>], function: &str, better: Ordering) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let meter = meter(args, 1)?;
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let mut items = list
        .as_iterable()
        .ok_or_else(|| no_list(function, list.as_ref()))?
        .iter();
    let first = items.next();
    let mut best = first.ok_or_else(|| ExecutionError::function_error(function, "the list is empty"))?;
    while let Some(item) = items.next() {
        meter.charge(1)?;
        if compare(item, best, function)? == better {
            best = item;
        }
    }
    Ok(CowVal::Owned(best.clone_as_boxed()))
}

fn sum<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let meter = meter(&args, 1)?;
    let list = args.first().ok_or_else(ExecutionError::missing_argument_or_target)?;
    let mut items = list.as_iterable().ok_or_else(|| no_list("sum", list.as_ref()))?.iter();
    let too_large = || ExecutionError::function_error("sum", "the sum is too large");
    let mut sum = Sum::Int(0);
    while let Some(item) = items.next() {
        meter.charge(1)?;
        sum = if let Some(Amount(quantity)) = item.downcast_ref::<Amount>() {
            let sum = sum.quantity().ok_or_else(|| no_list("sum", item))?;
            Sum::Quantity(sum.checked_add(quantity).ok_or_else(too_large)?)
        } else if let Some(double) = item.downcast_ref::<CelDouble>() {
            let sum = sum.double().ok_or_else(|| no_list("sum", item))?;
            Sum::Double(sum + double.inner())
        } else {
            let int = *item
                .downcast_ref::<CelInt>()
                .ok_or_else(|| no_list("sum", item))?
                .inner();
            match sum {
                Sum::Int(sum) => Sum::Int(sum.checked_add(int).ok_or_else(too_large)?),
                _ => return Err(no_list("sum", item)),
            }
        };
    }
    Ok(match sum {
        Sum::Int(sum) => CowVal::owned(CelInt::from(sum)),
        Sum::Double(sum) => CowVal::owned(CelDouble::from(sum)),
        Sum::Quantity(sum) => CowVal::owned(Amount(sum)),
    })
}

/// A sum so far. Before the first element it is an `int`.
enum Sum {
    Int(i64),
    Double(f64),
    Quantity(Quantity),
}

impl Sum {
    fn double(self) -> Option<f64> {
        match self {
            Sum::Int(0) => Some(0.0),
            Sum::Double(sum) => Some(sum),
            _ => None,
        }
    }

    fn quantity(self) -> Option<Quantity> {
        match self {
            Sum::Int(0) => Some(Quantity::from_milli(0)),
            Sum::Quantity(sum) => Some(sum),
            _ => None,
        }
    }
}
