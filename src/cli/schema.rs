//! `raygate schema`: the JSON Schema of policy files.

use std::io::Write;

use crate::engine::bundle::known;
use crate::policy::json_schema;

use super::{CLEAN, Failure};

/// Runs the command.
///
/// # Errors
/// [`Failure::Output`] if the output cannot be written.
pub fn run(out: &mut dyn Write) -> Result<u8, Failure> {
    write!(out, "{}", json_schema::text(&known()))?;
    Ok(CLEAN)
}
