//! Policy files from directories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::Bundle;
use crate::engine::bundle::{EMBEDDED, known};
use crate::policy::load;
use crate::policy::load::{Loaded, Source};

use super::Failure;

/// The deepest folder that is looked into, against loops of links.
const DEEPEST: usize = 16;
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

/// The files below directories whose names are wanted; a file that is named itself is wanted by any name.
fn find(directories: &[PathBuf], wanted: fn(&str) -> bool) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut files = BTreeSet::new();
    for directory in directories {
        if directory.is_file() {
            files.insert(directory.clone());
        } else {
            collect(directory, 0, wanted, &mut files)?;
        }
    }
    Ok(files)
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
    let loaded = load(&read(directories)?, &known());
    if loaded.is_usable() {
        Ok((Bundle::new(loaded.set.clone()), loaded))
    } else {
        Err(Failure::Policies(rendered(&loaded)))
    }
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

fn collect(
    directory: &Path,
    depth: usize,
    wanted: fn(&str) -> bool,
    files: &mut BTreeSet<PathBuf>,
) -> Result<(), Failure> {
    if depth > DEEPEST {
        return Err(Failure::Usage(format!(
            "{} is nested too deeply, is there a loop of links?",
            directory.display()
        )));
    }
    let entries = fs::read_dir(directory).map_err(|error| cannot("read", directory, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot("read", directory, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, wanted, files)?;
        } else if wanted(&name) {
            files.insert(path);
        }
    }
    Ok(())
}

/// Whether a file among policies is one of them.
fn is_policy(name: &str) -> bool {
    name.ends_with(".yaml") && !name.ends_with(".test.yaml") && name != "kustomization.yaml"
}

fn cannot(action: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Usage(format!("cannot {action} {}: {error}", path.display()))
}
