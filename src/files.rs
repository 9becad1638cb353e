//! Files below directories, and the bytes of those that hold policies and their tests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::policy::load::Source;

/// The deepest folder that is looked into.
const DEEPEST: usize = 16;
/// A folder with a file of this name is offered, not active: its files are found only where it, or one below it, is named.
const OPTIONAL: &str = ".raygate-optional";
/// The largest file that is read, in bytes; the loader refuses it by its size and needs no more of it.
const LARGEST: u64 = 16 << 20;

/// Why files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The operating system refused.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// A pipe, a socket or a device: reading it may never end.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// No policy file is that large.
    #[error("{} has more than {LARGEST} bytes, no policy file is that large", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A link to a folder that it stands in.
    #[error("{} is a link back to {}, which it stands in; take it out", path.display(), to.display())]
    Loop {
        /// The link.
        path: PathBuf,
        /// The folder.
        to: PathBuf,
    },
    /// Folders in folders without an end in sight.
    #[error("{} is more than {DEEPEST} folders deep", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

impl FilesError {
    /// The file or directory that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::Loop { path, .. }
            | Self::NotAFile { path }
            | Self::TooLarge { path }
            | Self::TooDeep { path } => path,
        }
    }
}

/// Reads the policy files below these directories: every `*.yaml` but tests, dot entries and `kustomization.yaml`.
///
/// # Errors
/// [`FilesError`] for the first directory or file that cannot be read.
pub fn policies(directories: &[PathBuf]) -> Result<Vec<Source>, FilesError> {
    read(directories, |name| {
        name.ends_with(".yaml") && !name.ends_with(".test.yaml") && name != "kustomization.yaml"
    })
}

/// Reads the test files below these directories: every `*.test.yaml`.
///
/// # Errors
/// [`FilesError`] for the first directory or file that cannot be read.
pub fn tests(directories: &[PathBuf]) -> Result<Vec<Source>, FilesError> {
    read(directories, |name| name.ends_with(".test.yaml"))
}

fn read(directories: &[PathBuf], wanted: fn(&str) -> bool) -> Result<Vec<Source>, FilesError> {
    find(directories, wanted)?.iter().map(|path| source(path)).collect()
}

/// The files below directories whose names are wanted; a file that is named itself is wanted by any name. Names that
/// begin with a dot are passed over.
///
/// # Errors
/// [`FilesError`] for the first directory that cannot be read.
pub fn find(directories: &[PathBuf], wanted: fn(&str) -> bool) -> Result<BTreeSet<PathBuf>, FilesError> {
    let mut files = BTreeSet::new();
    for directory in directories {
        if directory.is_file() {
            files.insert(directory.clone());
        } else {
            collect(directory, &mut Vec::new(), wanted, &mut files)?;
        }
    }
    Ok(files)
}

/// Collects below one directory. `above` are the directories that it stands in: as they were named, and without links.
fn collect(
    directory: &Path,
    above: &mut Vec<(PathBuf, PathBuf)>,
    wanted: fn(&str) -> bool,
    files: &mut BTreeSet<PathBuf>,
) -> Result<(), FilesError> {
    let cannot = |error| cannot_read(directory, error);
    let path = directory.to_owned();
    let itself = fs::canonicalize(directory).map_err(cannot)?;
    if let Some((to, _)) = above.iter().find(|(_, known)| *known == itself) {
        return Err(FilesError::Loop { path, to: to.clone() });
    }
    if above.len() > DEEPEST {
        return Err(FilesError::TooDeep { path });
    }
    above.push((path, itself));
    for entry in fs::read_dir(directory).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !path.join(OPTIONAL).exists() {
                collect(&path, above, wanted, files)?;
            }
        } else if wanted(&name) {
            files.insert(path);
        }
    }
    above.pop();
    Ok(())
}

fn source(path: &Path) -> Result<Source, FilesError> {
    let cannot = |error| cannot_read(path, error);
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(FilesError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(cannot)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(FilesError::TooLarge { path: path.to_owned() });
    }
    Ok(Source {
        name: path.display().to_string(),
        bytes,
    })
}

/// A file that the operating system would not let us read.
pub fn cannot_read(path: &Path, error: io::Error) -> FilesError {
    FilesError::Read {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::tests as test_files;
    use super::*;

    #[test]
    fn only_policies_are_policies() {
        let dir = tempfile::TempDir::new().unwrap();
        for file in [
            "b.yaml",
            "a.test.yaml",
            "kustomization.yaml",
            ".hidden.yaml",
            "notes.md",
        ] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        fs::create_dir(dir.path().join("team")).unwrap();
        fs::write(dir.path().join("team/a.yaml"), "a").unwrap();
        let names = |sources: Vec<Source>| -> Vec<String> {
            sources
                .into_iter()
                .map(|source| source.name[dir.path().to_str().unwrap().len() + 1..].to_owned())
                .collect()
        };
        let directories = [dir.path().to_owned()];
        assert_eq!(names(policies(&directories).unwrap()), ["b.yaml", "team/a.yaml"]);
        assert_eq!(names(test_files(&directories).unwrap()), ["a.test.yaml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::TempDir::new().unwrap();
        let missing = policies(&[dir.path().join("none")]).unwrap_err();
        assert!(missing.path().ends_with("none"), "{missing}");
        assert!(missing.to_string().contains("No such file"), "{missing}");
        // A link that leads nowhere, as in a mounted ConfigMap whose key has just gone.
        std::os::unix::fs::symlink("..data/gone.yaml", dir.path().join("gone.yaml")).unwrap();
        assert!(
            policies(&[dir.path().to_owned()])
                .unwrap_err()
                .path()
                .ends_with("gone.yaml")
        );
    }

    #[test]
    fn a_loop_of_links_ends_and_a_socket_is_not_read() {
        let dir = tempfile::TempDir::new().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s.yaml")).unwrap();
        assert!(matches!(
            policies(&[dir.path().to_owned()]),
            Err(FilesError::NotAFile { .. })
        ));
        let dir = tempfile::TempDir::new().unwrap();
        let team = dir.path().join("team");
        fs::create_dir(&team).unwrap();
        std::os::unix::fs::symlink("..", team.join("up")).unwrap();
        let found = policies(&[dir.path().to_owned()]).unwrap_err().to_string();
        let (link, to) = (team.join("up"), dir.path());
        let wanted = format!(
            "{} is a link back to {}, which it stands in; take it out",
            link.display(),
            to.display()
        );
        assert_eq!(found, wanted);
        // Two ways to one folder are none.
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("team", dir.path().join("other")).unwrap();
        fs::write(team.join("a.yaml"), "a").unwrap();
        assert_eq!(policies(&[dir.path().to_owned()]).unwrap().len(), 2);
    }
}
