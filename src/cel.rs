//! The expressions of policies, in the Common Expression Language.
//!
//! The only module that uses the crate `cel`. An expression is compiled when its policy is loaded: its size and
//! nesting are bounded before the parser sees it, every variable, function and known field in it is held against the
//! [tables of the language](language), and what could be slow is rewritten into calls that count. At run time the
//! object is read in place, integers are `int`, and each look into it takes a step from the rule's [`Meter`]. An
//! expression that fails or runs out of steps has no value, and whoever asked decides what that means.

mod compile;
mod functions;
pub mod language;
mod lexical;
mod lists;
mod message;
mod meter;
mod names;
mod quantity;
mod rewrite;
mod scope;
mod types;
mod value;

pub use compile::{Program, compile, condition};
pub use language::Place;
pub use message::Message;
pub use meter::Meter;
pub use scope::{Here, Inputs, Session};

use std::ops::Range;

use thiserror::Error;

/// The longest expression, in bytes.
pub const LONGEST: usize = 4096;
/// The most nodes of an expression, after its macros are expanded.
pub const MOST_NODES: usize = 1000;
/// The deepest nesting of brackets, and of operators and calls below each other, those that count among them. A level
/// takes some 35 KiB of a request's stack in a debug build.
pub const DEEPEST: usize = 40;
/// The most comprehensions (`all`, `exists`, `map`, …) inside each other.
pub const MOST_LOOPS: usize = 2;
/// The most that a compiled regular expression may take, in bytes.
pub const LARGEST_REGEX: usize = 1 << 18;
/// The steps that one rule may take for one RayJob: looks into the object, rounds of loops, and texts by their length.
pub const MOST_STEPS: u32 = 100_000;

/// Why an expression cannot be used, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The bytes of the expression that it is about.
    pub range: Range<usize>,
}

impl Problem {
    fn new(range: Range<usize>, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            help: None,
            range,
        }
    }

    fn too_deep(range: Range<usize>) -> Problem {
        let message = format!("the expression nests deeper than the {DEEPEST} levels allowed");
        Problem::new(range, message).help("split it into several rules")
    }

    fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

/// Why an expression has no value. No text of the object but the names of keys stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failed {
    /// It took more than [`MOST_STEPS`].
    #[error("it took more than {MOST_STEPS} steps")]
    Steps,
    /// A key or an element is not there.
    #[error("{0}")]
    Missing(String),
    /// Anything else: types that do not fit, a division by zero.
    #[error("{0}")]
    Error(String),
}
