//! `raygate man`: the man pages of all commands.

use std::fs;
use std::path::PathBuf;

use super::{CLEAN, Failure};

/// The arguments of `raygate man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory to write to; it is created
    directory: PathBuf,
}

/// Writes a page for the command and each of its own.
///
/// # Errors
/// [`Failure::Usage`] if the directory cannot be written.
pub fn run(args: &Args, command: clap::Command) -> Result<u8, Failure> {
    let directory = &args.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .map_err(|error| Failure::Usage(format!("cannot write {}: {error}", directory.display())))?;
    Ok(CLEAN)
}
