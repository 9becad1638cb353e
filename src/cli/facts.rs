//! The facts that a command is given.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::facts::Facts;
use crate::files::{self, Bounded, bounded};
use crate::yaml::Limits;

use super::Failure;

/// What is known of a cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name, or the file that it is known by.
    pub name: String,
    /// The facts, as of the time at which they were read.
    pub facts: Arc<Facts>,
}

/// Reads a file with facts for each cluster. Without files, nothing is known of one cluster.
///
/// # Errors
/// [`Failure::Usage`] if a file cannot be read, or has no facts.
pub fn clusters(files: &[PathBuf]) -> Result<Vec<Cluster>, Failure> {
    if files.is_empty() {
        let nothing = Cluster {
            name: String::new(),
            facts: Facts::none(),
        };
        return Ok(vec![nothing]);
    }
    files.iter().map(|file| cluster(file)).collect()
}

/// The facts of one file, or none.
///
/// # Errors
/// As [`clusters`].
pub fn one(file: Option<&PathBuf>) -> Result<Arc<Facts>, Failure> {
    file.map_or_else(|| Ok(Facts::none()), |file| Ok(cluster(file)?.facts))
}

/// Reads the facts of a file; `-` is standard input, of which what has no time is taken for what is true now.
///
/// # Errors
/// [`Failure::Usage`] if the file cannot be read, or has no facts.
pub fn of_file(file: &Path) -> Result<Facts, Failure> {
    let usage = |error: &dyn ToString| Failure::Usage(error.to_string());
    if file.as_os_str() != "-" {
        let bytes = files::facts_bytes(file, most()).map_err(|error| usage(&error))?;
        return files::facts(file, &bytes).map_err(|error| usage(&error));
    }
    let read = bounded(io::stdin().lock(), most()).map_err(|error| usage(&error))?;
    let Bounded { bytes, is_cut: false } = read else {
        return Err(Failure::Usage(format!("standard input has more than {} bytes", most())));
    };
    let facts = files::facts("<stdin>".as_ref(), &bytes).map_err(|error| usage(&error))?;
    Ok(facts.read_at(Timestamp::now()))
}

/// The most bytes that a command reads of facts: as many as of manifests.
pub fn most() -> u64 {
    u64::try_from(Limits::manifests().bytes).unwrap_or(u64::MAX)
}

fn cluster(file: &Path) -> Result<Cluster, Failure> {
    let facts = of_file(file)?.timeless();
    Ok(Cluster {
        name: match facts.cluster.as_str() {
            "" if file.as_os_str() == "-" => "standard input".to_owned(),
            "" => file.display().to_string(),
            name => name.to_owned(),
        },
        facts: Arc::new(facts),
    })
}
