//! The meter as a value of expressions, and the arguments of functions that take steps from it.

use std::any::Any;
use std::sync::Arc;

use cel::ExecutionError;
use cel::common::types::{DYN_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};

use super::meter::Meter;

pub(super) static METER_TYPE: Type = Type::new_unspecified_type("meter");

/// The meter as a value.
#[derive(Clone, Debug)]
pub(super) struct Gauge(pub Arc<Meter>);

impl Val for Gauge {
    fn get_type(&self) -> &Type {
        &METER_TYPE
    }

    fn cel_type() -> &'static Type {
        &METER_TYPE
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

impl StaticVal for Gauge {}

/// The types of so many arguments, whatever they are.
pub(super) fn anything(count: usize) -> Vec<Type> {
    (0..count).map(|_| DYN_TYPE).collect()
}

pub(super) fn meter<'a>(args: &'a [CowVal<'_, '_>], position: usize) -> Result<&'a Meter, ExecutionError> {
    args.get(position)
        .and_then(|value| value.as_ref().downcast_ref::<Gauge>())
        .map(|gauge| &*gauge.0)
        .ok_or_else(ExecutionError::missing_argument_or_target)
}
