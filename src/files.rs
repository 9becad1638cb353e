//! Files below directories, and the bytes of those that hold policies and their tests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::Diagnostic;
use crate::facts::{Facts, FactsError};
use crate::policy::codes;
use crate::policy::load::Source;

/// The deepest folder that is looked into.
const DEEPEST: usize = 16;
/// A folder with a file of this name is offered, not active: its files are found only where it, or one below it, is named.
const OPTIONAL: &str = ".raygate-optional";
/// The largest file that is read, in bytes; the loader refuses it by its size and needs no more of it.
const LARGEST: u64 = 16 << 20;
/// How much of a file of another name is searched for policies, in bytes.
const SEARCHED: u64 = 64 << 10;
/// What every policy document contains: its `apiVersion`, of any release. Labels and annotations of RayJobs have the same
/// group, and other names.
const API: &[u8] = b"raygate.dev/v";

/// Why files could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FilesError {
    /// The operating system refused.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        error: Arc<io::Error>,
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

/// The policy files below some directories, and what of these directories is not read.
#[derive(Debug, Default)]
pub struct Policies {
    /// The directories, as they were named.
    pub directories: Vec<PathBuf>,
    /// The files that could be read.
    pub sources: Vec<Source>,
    /// Why the other files and directories could not be read, by path.
    pub unreadable: Vec<FilesError>,
    /// Files that seem to hold policies and have a name that is not read, such as `caps.yml` or `caps.yaml.bak`.
    pub ignored: Vec<PathBuf>,
    /// The directories without any policy file; one of tests alone is not meant.
    pub empty: Vec<PathBuf>,
}

impl Policies {
    /// All of them, or nothing.
    ///
    /// # Errors
    /// [`FilesError`] for the first file or directory that cannot be read.
    pub fn complete(self) -> Result<Policies, FilesError> {
        match self.unreadable.first() {
            None => Ok(self),
            Some(error) => Err(error.clone()),
        }
    }

    /// The directories that contain a policy file that could be read.
    pub fn contributing(&self) -> Vec<PathBuf> {
        contributing(&self.directories, &self.sources)
    }

    /// That there is no policy file at all, which is more likely a missing volume than a wish to have no policies.
    pub fn none(&self) -> Option<Diagnostic> {
        let is_none = self.sources.is_empty() && self.unreadable.is_empty() && !self.directories.is_empty();
        is_none.then(|| no_policies(&self.directories))
    }

    /// What to tell people of the files as such: an error if there is none, and the warnings.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let none = self.none();
        let is_said = |warning: &Diagnostic| none.is_some() && warning.code == codes::NO_FILES;
        let mut warnings = self.warnings();
        warnings.retain(|warning| !is_said(warning));
        none.into_iter().chain(warnings).collect()
    }

    /// What people probably expect to be read, and is not.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        let ignored = self.ignored.iter().map(|path| {
            let message = format!("{} is ignored: policy files must end in .yaml", path.display());
            Diagnostic::warning(codes::IGNORED_FILE, message)
                .help("rename it to .yaml, or move it out of the policy directory")
        });
        let empty = self.empty.iter().map(|path| {
            let message = format!("{} contains no policy file", path.display());
            Diagnostic::warning(codes::NO_FILES, message)
                .help("policy files end in .yaml, but not in .test.yaml; check the path and the volume")
        });
        ignored.chain(empty).collect()
    }
}

/// That these directories contain no policy file and must.
pub fn no_policies(directories: &[PathBuf]) -> Diagnostic {
    let names: Vec<String> = directories.iter().map(|path| path.display().to_string()).collect();
    let message = format!("there is no policy file below {}", names.join(":"));
    Diagnostic::error(codes::NO_FILES, message)
        .help("check the path and the volume")
        .help("only if you want no policies: `raygate serve --allow-empty` then only checks RayJobs")
}

/// The directories that one of these files comes from.
pub fn contributing(directories: &[PathBuf], sources: &[Source]) -> Vec<PathBuf> {
    // Sources have the names that are shown to people, so both sides are compared as they are shown.
    let holds = |directory: &&PathBuf| {
        let shown = directory.display().to_string();
        sources.iter().any(|source| Path::new(&source.name).starts_with(&shown))
    };
    directories.iter().filter(holds).cloned().collect()
}

/// Reads the policy files below these directories: every `*.yaml` but tests, dot entries and `kustomization.yaml`.
pub fn policies(directories: &[PathBuf]) -> Policies {
    let mut found = Policies {
        directories: directories.to_vec(),
        ..Policies::default()
    };
    let mut paths = BTreeSet::new();
    for directory in directories {
        let mut below = BTreeSet::new();
        found.unreadable.extend(walk(directory, |_| true, &mut below));
        let is_named = |path: &PathBuf| path == directory;
        let is_policy = |path: &PathBuf| is_named(path) || named(path, is_policy);
        if !directory.is_file() && !below.iter().any(|path| is_policy(path) || named(path, is_test)) {
            found.empty.push(directory.clone());
        }
        for path in below {
            if is_policy(&path) {
                paths.insert(path);
            } else if named(&path, is_misnamed) || (!named(&path, is_expected) && names_the_api(&path)) {
                found.ignored.push(path);
            }
        }
    }
    // What another argument names itself is read.
    found.ignored.retain(|path| !paths.contains(path));
    found
        .empty
        .retain(|path| !found.unreadable.iter().any(|error| error.path() == path));
    for path in &paths {
        match source(path) {
            Ok(source) => found.sources.push(source),
            Err(error) => found.unreadable.push(error),
        }
    }
    found.unreadable.sort_by(|a, b| a.path().cmp(b.path()));
    found
}

/// Reads the test files below these directories: every `*.test.yaml`.
///
/// # Errors
/// [`FilesError`] for the first directory or file that cannot be read.
pub fn tests(directories: &[PathBuf]) -> Result<Vec<Source>, FilesError> {
    find(directories, is_test)?.iter().map(|path| source(path)).collect()
}

fn named(path: &Path, wanted: fn(&str) -> bool) -> bool {
    path.file_name().is_some_and(|name| wanted(&name.to_string_lossy()))
}

fn is_policy(name: &str) -> bool {
    name.ends_with(".yaml") && !is_test(name) && name != "kustomization.yaml"
}

fn is_test(name: &str) -> bool {
    name.ends_with(".test.yaml")
}

/// Whether it is YAML by its ending, in any spelling.
fn is_yaml(name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default();
    ["yaml", "yml"].iter().any(|yaml| ending.eq_ignore_ascii_case(yaml))
}

fn is_misnamed(name: &str) -> bool {
    is_yaml(name) && !name.ends_with(".yaml") && name != "kustomization.yml"
}

/// Whether a file of this name is expected beside policies, and not to be one: tests, documentation, examples and schemas.
fn is_expected(name: &str) -> bool {
    is_yaml(name)
        || [".md", ".example", ".schema.json"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Whether a file names raygate's API near its beginning. One that cannot be read does not.
fn names_the_api(path: &Path) -> bool {
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let begins = || bounded(File::open(path)?, SEARCHED);
    is_file && begins().is_ok_and(|found| found.bytes.windows(API.len()).any(|window| window == API))
}

/// The files below directories whose names are wanted; a file that is named itself is wanted by any name. Names that
/// begin with a dot are passed over.
///
/// # Errors
/// [`FilesError`] for the first directory that cannot be read.
pub fn find(directories: &[PathBuf], wanted: fn(&str) -> bool) -> Result<BTreeSet<PathBuf>, FilesError> {
    let mut files = BTreeSet::new();
    for directory in directories {
        if let Some(error) = walk(directory, wanted, &mut files).into_iter().next() {
            return Err(error);
        }
    }
    Ok(files)
}

/// Adds what [`find`] finds below one directory; what cannot be read costs nothing else.
fn walk(directory: &Path, wanted: fn(&str) -> bool, files: &mut BTreeSet<PathBuf>) -> Vec<FilesError> {
    let mut errors = Vec::new();
    if directory.is_file() {
        files.insert(directory.to_owned());
    } else {
        collect(directory, &mut Vec::new(), wanted, files, &mut errors);
    }
    errors
}

/// Collects below one directory. `above` are the directories that it stands in: as they were named, and without links.
fn collect(
    directory: &Path,
    above: &mut Vec<(PathBuf, PathBuf)>,
    wanted: fn(&str) -> bool,
    files: &mut BTreeSet<PathBuf>,
    errors: &mut Vec<FilesError>,
) {
    let path = directory.to_owned();
    let itself = match fs::canonicalize(directory) {
        Ok(itself) => itself,
        Err(error) => return errors.push(cannot_read(directory, error)),
    };
    if let Some((to, _)) = above.iter().find(|(_, known)| *known == itself) {
        return errors.push(FilesError::Loop { path, to: to.clone() });
    }
    if above.len() > DEEPEST {
        return errors.push(FilesError::TooDeep { path });
    }
    let entries = match fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return errors.push(cannot_read(directory, error)),
    };
    above.push((path, itself));
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !path.join(OPTIONAL).exists() {
                collect(&path, above, wanted, files, errors);
            }
        } else if wanted(&name) {
            files.insert(path);
        }
    }
    above.pop();
}

fn source(path: &Path) -> Result<Source, FilesError> {
    let cannot = |error| cannot_read(path, error);
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(FilesError::NotAFile { path: path.to_owned() });
    }
    let Bounded { bytes, is_cut } = File::open(path)
        .and_then(|file| bounded(file, LARGEST))
        .map_err(cannot)?;
    if is_cut {
        return Err(FilesError::TooLarge { path: path.to_owned() });
    }
    Ok(Source {
        name: path.display().to_string(),
        bytes,
    })
}

/// Why there are no facts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoFacts {
    /// The file cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// It is too large.
    #[error("{} has more than {most} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// It has no facts.
    #[error("{} has no facts: {error}", path.display())]
    Facts {
        /// The file.
        path: PathBuf,
        /// Why.
        error: FactsError,
    },
}

/// Reads the bytes of a file with facts, at most `most`.
///
/// # Errors
/// [`NoFacts`] if it cannot be read, or has more.
pub fn facts_bytes(path: &Path, most: u64) -> Result<Vec<u8>, NoFacts> {
    let cannot = |error| cannot_read(path, error);
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(FilesError::NotAFile { path: path.to_owned() }.into());
    }
    let Bounded { bytes, is_cut } = File::open(path).and_then(|file| bounded(file, most)).map_err(cannot)?;
    let path = path.to_owned();
    if is_cut {
        Err(NoFacts::TooLarge { path, most })
    } else {
        Ok(bytes)
    }
}

/// Takes the bytes of a file for facts.
///
/// # Errors
/// [`NoFacts`] if they are none.
pub fn facts(path: &Path, bytes: &[u8]) -> Result<Facts, NoFacts> {
    Facts::parse(&path.display().to_string(), bytes).map_err(|error| NoFacts::Facts {
        path: path.to_owned(),
        error,
    })
}

/// The beginning of a file or stream.
#[derive(Debug)]
pub struct Bounded {
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// Whether it has more.
    pub is_cut: bool,
}

/// Reads a file or stream to its end, but at most `most` bytes of it.
///
/// # Errors
/// What the operating system says.
pub fn bounded(reader: impl Read, most: u64) -> io::Result<Bounded> {
    let mut bytes = Vec::new();
    let length = reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let is_cut = u64::try_from(length).is_ok_and(|length| length > most);
    if is_cut {
        bytes.pop();
    }
    Ok(Bounded { bytes, is_cut })
}

/// A file that the operating system would not let us read.
pub fn cannot_read(path: &Path, error: io::Error) -> FilesError {
    FilesError::Read {
        path: path.to_owned(),
        error: Arc::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::tests as test_files;
    use super::*;

    fn all(directories: &[PathBuf]) -> Result<Vec<Source>, FilesError> {
        Ok(policies(directories).complete()?.sources)
    }

    #[test]
    fn a_reader_is_read_to_its_end_or_to_the_bound() {
        for (most, read, is_cut) in [(2, "ab", true), (3, "abc", false), (4, "abc", false), (0, "", true)] {
            let found = bounded(&b"abc"[..], most).unwrap();
            assert_eq!((&*found.bytes, found.is_cut), (read.as_bytes(), is_cut), "{most}");
        }
    }

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
        assert_eq!(names(all(&directories).unwrap()), ["b.yaml", "team/a.yaml"]);
        assert_eq!(names(test_files(&directories).unwrap()), ["a.test.yaml"]);
    }

    #[test]
    fn what_is_not_read_is_reported() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["policies", "tests", "empty"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for file in [
            "policies/a.yaml",
            "policies/b.yml",
            "policies/c.YAML",
            "policies/d.json",
            "policies/e.yml",
            "policies/kustomization.yml",
            "policies/.hidden.yml",
            "tests/a.test.yaml",
        ] {
            fs::write(path(file), file).unwrap();
        }
        let found = policies(&["policies", "tests", "empty", "policies/e.yml"].map(path));
        assert_eq!(found.ignored, ["policies/b.yml", "policies/c.YAML"].map(path));
        assert_eq!(found.empty, ["empty"].map(path));
        assert_eq!(found.sources.len(), 2);
        assert_eq!(found.warnings().len(), 3);
    }

    #[test]
    fn policies_under_other_names_are_reported() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name);
        let hidden = ["caps", "caps.json", "caps.yaml.bak", "caps.yaml~", "caps.yml.disabled"];
        let expected = [
            "README.md",
            "platform.yaml.example",
            "kustomization.yaml",
            ".caps",
            "policy.schema.json",
            "a.test.yaml",
        ];
        for file in hidden.iter().chain(&expected).chain(&["a.yaml"]) {
            fs::write(path(file), "{\"apiVersion\": \"raygate.dev/v1beta1\"}").unwrap();
        }
        fs::write(path("job.json"), "{\"labels\": {\"raygate.dev/accelerator\": \"a\"}}").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        assert_eq!(policies(&[dir.path().to_owned()]).ignored, hidden.map(path));
    }

    #[test]
    fn directories_that_contribute_are_known() {
        let dir = tempfile::TempDir::new().unwrap();
        let [one, two, three] = ["a", "ab", "c"].map(|name| dir.path().join(name));
        for folder in [&one, &two, &three] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(two.join("a.yaml"), "a").unwrap();
        fs::write(three.join("a.test.yaml"), "a").unwrap();
        let found = policies(&[one.clone(), two.join(""), three.clone()]);
        assert_eq!(found.contributing(), [two.join("")]);
        assert!(found.none().is_none());
        assert!(policies(&[one, three]).none().is_some());
    }

    #[test]
    fn what_cannot_be_read_costs_nothing_else() {
        let dir = tempfile::TempDir::new().unwrap();
        fs::write(dir.path().join("a.yaml"), "a").unwrap();
        fs::write(dir.path().join("z.yaml"), "z").unwrap();
        std::os::unix::fs::symlink("..data/gone.yaml", dir.path().join("gone.yaml")).unwrap();
        let found = policies(&[dir.path().join("none"), dir.path().to_owned()]);
        let names: Vec<_> = found
            .unreadable
            .iter()
            .map(|error| error.path().file_name().unwrap())
            .collect();
        assert_eq!(names, ["gone.yaml", "none"]);
        assert_eq!(found.sources.len(), 2);
        assert!(found.empty.is_empty());
        assert!(found.complete().is_err());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::TempDir::new().unwrap();
        let missing = all(&[dir.path().join("none")]).unwrap_err();
        assert!(missing.path().ends_with("none"), "{missing}");
        assert!(missing.to_string().contains("No such file"), "{missing}");
        // A link that leads nowhere, as in a mounted ConfigMap whose key has just gone.
        std::os::unix::fs::symlink("..data/gone.yaml", dir.path().join("gone.yaml")).unwrap();
        assert!(all(&[dir.path().to_owned()]).unwrap_err().path().ends_with("gone.yaml"));
    }

    #[test]
    fn a_loop_of_links_ends_and_a_socket_is_not_read() {
        let dir = tempfile::TempDir::new().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s.yaml")).unwrap();
        assert!(matches!(
            all(&[dir.path().to_owned()]),
            Err(FilesError::NotAFile { .. })
        ));
        let dir = tempfile::TempDir::new().unwrap();
        let team = dir.path().join("team");
        fs::create_dir(&team).unwrap();
        std::os::unix::fs::symlink("..", team.join("up")).unwrap();
        let found = all(&[dir.path().to_owned()]).unwrap_err().to_string();
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
        assert_eq!(all(&[dir.path().to_owned()]).unwrap().len(), 2);
    }
}
