//! The expressions of policies, in the Common Expression Language.
//!
//! The only module that uses the crate `cel`. An expression is compiled when its policy is loaded: its size and
//! nesting are bounded before the parser sees it, every variable, function and known field in it is held against the
//! [tables of the language](language), and what could be slow is rewritten into calls that count. At run time the
//! object is read in place, integers are `int`, and each look into it takes a step from the rule's [`Meter`]. An
//! expression that fails or runs out of steps has no value, and whoever asked decides what that means.

mod compile;
mod functions;
mod gauge;
pub mod language;
mod lexical;
mod limits;
mod lists;
mod message;
mod meter;
mod names;
mod problem;
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

pub use limits::{DEEPEST, LARGEST_REGEX, LONGEST, MOST_LOOPS, MOST_NODES, MOST_STEPS};
pub use problem::{Failed, Problem};
