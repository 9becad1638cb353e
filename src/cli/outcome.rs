//! How a command ends, and how it prints.

use std::io;

use crate::input::InputError;

/// Nothing was found.
pub const CLEAN: u8 = 0;

/// Nobody reads the output any more: the code of a process that SIGPIPE ends.
pub const CUT_OFF: u8 = 141;

/// Something was found.
pub const FINDINGS: u8 = 1;

/// The command was called wrongly, or cannot read its input.
pub const USAGE: u8 = 2;

/// The policies are broken.
pub const POLICY: u8 = 3;

/// A cluster could not be reached, or refused what was asked of it.
pub const CLUSTER: u8 = 4;

/// The output could not be written, or raygate has a defect.
pub const INTERNAL: u8 = 5;

/// Whether standard output is a terminal that wants colours; `NO_COLOR` and its like are heeded.
pub(super) fn is_coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its output could not be written.
    #[error("error: writing the output failed: {0}")]
    Output(#[from] io::Error),
    /// A file could not be read, or an argument makes no sense.
    #[error("error: {0}")]
    Usage(String),
    /// The policies are broken; the text holds the diagnostics.
    #[error("{0}")]
    Policies(String),
    /// A cluster could not be reached, or refused what was asked of it.
    #[error("error: {0}")]
    Cluster(String),
}

impl Failure {
    pub(super) fn code(&self) -> u8 {
        match self {
            Failure::Policies(_) => POLICY,
            Failure::Usage(_) => USAGE,
            Failure::Cluster(_) => CLUSTER,
            Failure::Output(_) => INTERNAL,
        }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Failure::Usage(error.to_string())
    }
}
