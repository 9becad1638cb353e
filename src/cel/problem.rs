//! Why an expression cannot be used, or has no value.

use std::ops::Range;

use thiserror::Error;

use super::limits::{DEEPEST, MOST_STEPS};

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
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            help: None,
            range,
        }
    }

    pub(super) fn too_deep(range: Range<usize>) -> Problem {
        let message = format!("the expression nests deeper than the {DEEPEST} levels allowed");
        Problem::new(range, message).help("split it into several rules")
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Problem {
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
