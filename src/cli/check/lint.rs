//! `raygate check` without files: the policies alone.

use std::io::Write;

use crate::cli::{CLEAN, Failure};
use crate::diag::counted;
use crate::engine::Bundle;

/// Says which policies and exemptions there are.
///
/// # Errors
/// [`Failure::Output`] if the output cannot be written.
pub fn run(bundle: &Bundle, out: &mut dyn Write) -> Result<u8, Failure> {
    let set = bundle.policies();
    let names: Vec<&str> = set.policies.iter().map(|policy| &*policy.name).collect();
    let mut counts = counted(names.len(), "policy");
    if !names.is_empty() {
        counts.push_str(&format!(" ({})", names.join(", ")));
    }
    if !set.exemptions.is_empty() {
        let names: Vec<&str> = set.exemptions.iter().map(|exemption| &*exemption.name).collect();
        counts.push_str(&format!(
            ", {} ({})",
            counted(names.len(), "exemption"),
            names.join(", ")
        ));
    }
    writeln!(out, "ok: {counts}, bundle {}", bundle.short_digest())?;
    Ok(CLEAN)
}
