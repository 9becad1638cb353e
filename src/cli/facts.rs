//! The facts that a command is given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::facts::Facts;
use crate::files;
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

/// The most bytes that a command reads of facts: as many as of manifests.
pub fn most() -> u64 {
    u64::try_from(Limits::manifests().bytes).unwrap_or(u64::MAX)
}

fn cluster(file: &Path) -> Result<Cluster, Failure> {
    let usage = |error: files::NoFacts| Failure::Usage(error.to_string());
    let bytes = files::facts_bytes(file, most()).map_err(usage)?;
    let facts = files::facts(file, &bytes).map_err(usage)?.timeless();
    Ok(Cluster {
        name: match facts.cluster.as_str() {
            "" => file.display().to_string(),
            name => name.to_owned(),
        },
        facts: Arc::new(facts),
    })
}
