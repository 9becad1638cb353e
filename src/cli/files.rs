//! Files below directories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;

/// The deepest folder that is looked into, against loops of links.
const DEEPEST: usize = 16;

/// The files below directories whose names are wanted; a file that is named itself is wanted by any name. Names that
/// begin with a dot are passed over.
///
/// # Errors
/// [`Failure::Usage`] if a directory cannot be read.
pub fn find(directories: &[PathBuf], wanted: fn(&str) -> bool) -> Result<BTreeSet<PathBuf>, Failure> {
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

/// Something that could not be done with a file.
pub fn cannot(action: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Usage(format!("cannot {action} {}: {error}", path.display()))
}
