//! `raygate check` without files: the policies alone.

use std::io::Write;

use crate::cli::{CLEAN, Failure};
use crate::engine::Bundle;

/// Says which policies there are.
///
/// # Errors
/// [`Failure::Output`] if the output cannot be written.
pub fn run(bundle: &Bundle, out: &mut dyn Write) -> Result<u8, Failure> {
    let names: Vec<&str> = bundle.policies().policies.iter().map(|policy| &*policy.name).collect();
    writeln!(
        out,
        "ok: {} policies ({}), bundle {}",
        names.len(),
        names.join(", "),
        bundle.short_digest()
    )?;
    Ok(CLEAN)
}
