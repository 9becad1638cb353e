//! What operators and functions take and give, as far as types are known when a policy is loaded. What could never have
//! a value at run time is a mistake of its author; what is not known passes.

use cel::common::ast::operators;

use super::language::Shape;

/// An operand that does not fit: its position where one alone is to blame, what is wrong, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub operand: Option<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Mismatch {
    fn of(operand: Option<usize>, message: String) -> Mismatch {
        Mismatch {
            operand,
            message,
            help: None,
        }
    }
}

/// Values that compare with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Bool,
    List,
    Record,
}

fn class(shape: Shape) -> Option<Class> {
    match shape {
        Shape::Any => None,
        Shape::Int | Shape::Quantity => Some(Class::Number),
        Shape::Text => Some(Class::Text),
        Shape::Bool => Some(Class::Bool),
        Shape::List(_) => Some(Class::List),
        Shape::Record(_) => Some(Class::Record),
    }
}

/// A type with its article.
pub(super) fn article(shape: Shape) -> &'static str {
    match shape {
        Shape::Any => "a value",
        Shape::Text => "a string",
        Shape::Int => "an int",
        Shape::Bool => "a bool",
        Shape::Quantity => "a quantity",
        Shape::List(_) => "a list",
        Shape::Record(_) => "a record",
    }
}

/// What an operator gives for these operands; anything for what is no operator.
pub(super) fn operator(name: &str, operands: &[Shape]) -> Result<Shape, Mismatch> {
    let sign = name.trim_matches(['_', '@']);
    match (name, operands) {
        (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => {
            let wrong = operands.iter().position(|shape| !may_be_bool(*shape));
            match wrong.and_then(|at| Some((at, operands.get(at)?))) {
                Some((at, shape)) => Err(Mismatch::of(
                    Some(at),
                    format!("`{sign}` wants true or false, this is {}", article(*shape)),
                )),
                None => Ok(Shape::Bool),
            }
        }
        (operators::CONDITIONAL, [condition, one, other]) => {
            if may_be_bool(*condition) {
                let is_same = class(*one) == class(*other);
                Ok(if is_same { *one } else { Shape::Any })
            } else {
                let message = format!("before `?` stands true or false, this is {}", article(*condition));
                Err(Mismatch::of(Some(0), message))
            }
        }
        (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => match both(*one, *other) {
            Some((first, second)) if first != second => {
                let message = format!("{} is never equal to {}", article(*one), article(*other));
                Err(with_help(message, *one, *other))
            }
            _ => Ok(Shape::Bool),
        },
        (operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS, [one, other]) => {
            match both(*one, *other) {
                Some((first, second)) if first != second => {
                    let message = format!("`{sign}` does not compare {} with {}", article(*one), article(*other));
                    Err(with_help(message, *one, *other))
                }
                Some((Class::List | Class::Record, _)) => Err(Mismatch::of(
                    None,
                    format!("`{sign}` does not compare {}s", article(*one).trim_start_matches("a ")),
                )),
                _ => Ok(Shape::Bool),
            }
        }
        (operators::ADD | operators::SUBSTRACT, [one, other]) => match both(*one, *other) {
            Some((first, second)) if first != second => {
                let message = format!("`{sign}` does not take {} and {}", article(*one), article(*other));
                Err(with_help(message, *one, *other))
            }
            Some((Class::Number, _)) if matches!((one, other), (Shape::Int, Shape::Int)) => Ok(Shape::Int),
            Some((Class::Number, _)) => Ok(Shape::Quantity),
            Some((Class::Text, _)) if name == operators::ADD => Ok(Shape::Text),
            _ => Ok(Shape::Any),
        },
        (operators::MULTIPLY | operators::DIVIDE | operators::MODULO, _) => {
            let wrong = operands
                .iter()
                .position(|shape| !matches!(shape, Shape::Any | Shape::Int));
            match wrong.and_then(|at| Some((at, operands.get(at)?))) {
                Some((at, shape)) => Err(Mismatch::of(
                    Some(at),
                    format!("`{sign}` does not take {}", article(*shape)),
                )),
                None if operands.iter().all(|shape| matches!(shape, Shape::Int)) => Ok(Shape::Int),
                None => Ok(Shape::Any),
            }
        }
        (operators::IN, [_, Shape::Text]) => Err(Mismatch {
            help: Some("for a part of a text write `text.contains(part)`".to_owned()),
            ..Mismatch::of(Some(1), "`in` looks into a list or a map, this is a string".to_owned())
        }),
        (operators::IN, [_, Shape::Int | Shape::Bool | Shape::Quantity]) => Err(Mismatch::of(
            Some(1),
            "`in` looks into a list or a map, and this is none".to_owned(),
        )),
        (operators::IN, _) => Ok(Shape::Bool),
        _ => Ok(Shape::Any),
    }
}

fn may_be_bool(shape: Shape) -> bool {
    matches!(shape, Shape::Any | Shape::Bool)
}

fn both(one: Shape, other: Shape) -> Option<(Class, Class)> {
    Some((class(one)?, class(other)?))
}

fn with_help(message: String, one: Shape, other: Shape) -> Mismatch {
    let is = |wanted: fn(Shape) -> bool| wanted(one) || wanted(other);
    let help = if is(|shape| matches!(shape, Shape::Text)) && is(|shape| matches!(shape, Shape::Quantity)) {
        Some("write a quantity as quantity('4Gi')".to_owned())
    } else if is(|shape| matches!(shape, Shape::Text)) && is(|shape| matches!(shape, Shape::Int | Shape::Bool)) {
        Some("write numbers, true and false without quotes".to_owned())
    } else {
        None
    };
    Mismatch {
        help,
        ..Mismatch::of(None, message)
    }
}

/// What a function gives, where that is known.
pub(super) fn function(name: &str) -> Shape {
    match name {
        "quantity" | "add" | "sub" => Shape::Quantity,
        "size" | "compareTo" | "sign" | "asInteger" | "indexOf" | "lastIndexOf" | "int" => Shape::Int,
        "charAt" | "find" | "format" | "join" | "lowerAscii" | "replace" | "string" | "strings.quote" | "substring"
        | "trim" | "upperAscii" => Shape::Text,
        "contains" | "endsWith" | "hasValue" | "isGreaterThan" | "isInteger" | "isLessThan" | "isQuantity"
        | "isSorted" | "matches" | "startsWith" | "bool" => Shape::Bool,
        "findAll" | "split" => Shape::List(&Shape::Text),
        _ => Shape::Any,
    }
}

/// What a function that is called on a value wants of it: a text, or a quantity.
pub(super) fn receiver(name: &str) -> Option<Shape> {
    match name {
        "charAt" | "contains" | "endsWith" | "find" | "findAll" | "format" | "lowerAscii" | "matches" | "replace"
        | "split" | "startsWith" | "substring" | "trim" | "upperAscii" => Some(Shape::Text),
        "compareTo" | "isGreaterThan" | "isLessThan" | "isInteger" | "asInteger" | "add" | "sub" => {
            Some(Shape::Quantity)
        }
        _ => None,
    }
}

/// Whether a value of one type may be one of another.
pub(super) fn may_be(shape: Shape, wanted: Shape) -> bool {
    matches!(shape, Shape::Any) || std::mem::discriminant(&shape) == std::mem::discriminant(&wanted)
}
