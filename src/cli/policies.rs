//! The policies that a command is given, or the shipped ones.

use std::path::PathBuf;

use crate::engine::Bundle;
use crate::engine::bundle::{embedded, known};
use crate::files::{self, FilesError, Policies};
use crate::install::Controllers;
use crate::policy::lint;
use crate::policy::load;
use crate::policy::load::{Loaded, Source};

use super::Failure;

/// Reads the policy files below these directories, or the shipped policies where there are none.
///
/// # Errors
/// [`Failure::Usage`] if a directory or file cannot be read.
pub fn read(directories: &[PathBuf]) -> Result<Policies, Failure> {
    if directories.is_empty() {
        return Ok(Policies {
            sources: embedded(),
            ..Policies::default()
        });
    }
    Ok(files::policies(directories).complete()?)
}

/// The name and text of each policy file below these directories, of which none may be broken.
///
/// # Errors
/// [`Failure::Policies`] with every diagnostic if the policies are broken, [`Failure::Usage`] if they cannot be read.
pub fn texts(directories: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    bundle(directories)?;
    let text = |source: Source| (source.name, String::from_utf8_lossy(&source.bytes).into_owned());
    Ok(read(directories)?.sources.into_iter().map(text).collect())
}

/// The users whose writes do not come to raygate, as the policies below these directories say.
pub fn controllers(directories: &[PathBuf]) -> Controllers {
    let policies = read(directories).unwrap_or_default();
    Controllers::of_policies(policies.sources.iter().map(|source| &*source.bytes))
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

/// Reads the policies below these directories, broken or not. The diagnostics are those of every load: of the files, of
/// what is in them, and of what keeps the policies from being enforced.
///
/// # Errors
/// [`Failure::Usage`] if they cannot be read.
pub fn loaded(directories: &[PathBuf]) -> Result<Loaded, Failure> {
    let files = read(directories)?;
    let mut loaded = load(&files.sources, &known());
    if loaded.is_usable() {
        let found = lint::not_enforced(&loaded);
        loaded.diagnostics.extend(found);
    }
    if files.none().is_some() {
        // What loads from no file at all says the same in a milder way.
        loaded.diagnostics.clear();
    }
    loaded.diagnostics.splice(0..0, files.diagnostics());
    Ok(loaded)
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
