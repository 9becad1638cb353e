//! Where something stands in the policy files.

use std::fmt;
use std::sync::Arc;

/// A place in a policy file.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The policy's name.
    pub policy: Arc<str>,
    /// The file, as it was named to raygate.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
