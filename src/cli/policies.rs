//! Policy files from directories.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::Bundle;
use crate::engine::bundle::{EMBEDDED, known};
use crate::policy::load;
use crate::policy::load::{Loaded, Source};

use super::Failure;
use super::files::{cannot, find};

/// The largest file that is read, in bytes; the reader refuses it by its size and needs no more of it.
const LARGEST: u64 = 16 << 20;

/// Reads the policy files below these directories, or the shipped policies where there are none.
///
/// # Errors
/// [`Failure::Usage`] if a directory or file cannot be read.
pub fn read(directories: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    if directories.is_empty() {
        return Ok(EMBEDDED.iter().map(|(name, text)| Source::new(name, text)).collect());
    }
    find(directories, is_policy)?.iter().map(|path| source(path)).collect()
}

/// Reads the test files below these directories.
///
/// # Errors
/// [`Failure::Usage`] if a directory or file cannot be read.
pub fn read_tests(directories: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    find(directories, |name| name.ends_with(".test.yaml"))?
        .iter()
        .map(|path| source(path))
        .collect()
}

fn source(path: &Path) -> Result<Source, Failure> {
    let size = fs::metadata(path).map_err(|error| cannot("read", path, &error))?.len();
    if size > LARGEST {
        return Err(Failure::Usage(format!(
            "{} has {size} bytes, no policy file is that large",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(|error| cannot("read", path, &error))?;
    Ok(Source {
        name: path.display().to_string(),
        bytes,
    })
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
    Ok(load(&read(directories)?, &known()))
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

/// Whether a file among policies is one of them.
fn is_policy(name: &str) -> bool {
    name.ends_with(".yaml") && !name.ends_with(".test.yaml") && name != "kustomization.yaml"
}
