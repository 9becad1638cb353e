//! The policies that a command is given, or the shipped ones.

use std::path::PathBuf;

use crate::engine::Bundle;
use crate::engine::bundle::{EMBEDDED, known};
use crate::files::{self, FilesError};
use crate::install::Controllers;
use crate::policy::load;
use crate::policy::load::{Loaded, Source};

use super::Failure;

/// Reads the policy files below these directories, or the shipped policies where there are none.
///
/// # Errors
/// [`Failure::Usage`] if a directory or file cannot be read.
pub fn read(directories: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    if directories.is_empty() {
        return Ok(EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect());
    }
    Ok(files::policies(directories)?)
}

/// The name and text of each policy file below these directories, of which none may be broken.
///
/// # Errors
/// [`Failure::Policies`] with every diagnostic if the policies are broken, [`Failure::Usage`] if they cannot be read.
pub fn texts(directories: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    bundle(directories)?;
    let text = |source: Source| (source.name, String::from_utf8_lossy(&source.bytes).into_owned());
    Ok(read(directories)?.into_iter().map(text).collect())
}

/// The users whose writes do not come to raygate, as the policies below these directories say.
pub fn controllers(directories: &[PathBuf]) -> Controllers {
    let sources = read(directories).unwrap_or_default();
    Controllers::of_policies(sources.iter().map(|source| &*source.bytes))
}

/// Loads the policies below these directories.
///
/// # Errors
/// [`Failure::Policies`] with every diagnostic if the policies are broken, [`Failure::Usage`] if they cannot be read.
pub fn bundle(directories: &[PathBuf]) -> Result<(Bundle, Loaded), Failure> {
    let loaded = loaded(directories)?;
    if loaded.is_usable() {
        Ok((Bundle::new(loaded.set.clone()), loaded))
    } else {
        Err(Failure::Policies(rendered(&loaded)))
    }
}

/// Reads the policies below these directories, broken or not.
///
/// # Errors
/// [`Failure::Usage`] if they cannot be read.
pub fn loaded(directories: &[PathBuf]) -> Result<Loaded, Failure> {
    let loaded = load(&read(directories)?, &known());
    for path in passed_over(directories)? {
        anstream::eprintln!("warning: {} is passed over, policy files end in .yaml", path.display());
    }
    Ok(loaded)
}

/// Files that look like policies and are none by their name.
fn passed_over(directories: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let found = files::find(directories, |name| name.ends_with(".yml"))?;
    Ok(found.into_iter().filter(|path| !directories.contains(path)).collect())
}

/// All diagnostics for a terminal.
pub fn rendered(loaded: &Loaded) -> String {
    let texts: Vec<String> = loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.render(&loaded.sources, true))
        .collect();
    texts.join("\n")
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        Failure::Usage(error.to_string())
    }
}
