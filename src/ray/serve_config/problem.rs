//! What is wrong with a Serve config, and where.

use crate::diag::Location;
use crate::k8s::path::Path;
use crate::ray::release::Release;

use super::kinds::Releases;

/// The most problems that are kept of one config.
pub(super) const MOST: usize = 50;

/// Something wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What was found and what Ray does with it, as a sentence without its end.
    pub found: String,
    /// What to do, as a sentence without its end.
    pub fix: String,
    /// The releases of Ray that do not run the config because of it; none where Ray ignores what was written.
    pub rejected_by: Releases,
}

impl Problem {
    /// Whether KubeRay or every known release of Ray rejects the config because of it.
    pub fn is_certain(&self) -> bool {
        self.rejected_by == Releases::ALL
    }

    /// Whether it matters to a cluster of this release of Ray, or of the newest one where the release is not known. What
    /// Ray ignores matters to all.
    pub fn matters_to(&self, ray: Option<Release>) -> bool {
        let release = ray.map_or(Releases::NEWEST, Releases::nearest);
        self.rejected_by.is_none() || !(self.rejected_by & release).is_none()
    }
}

/// A place in a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The keys that lead to it.
    pub path: Path,
    /// The line in the text of the config, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    pub(super) fn new(path: &Path, location: Location) -> Place {
        Place {
            path: path.clone(),
            line: location.line,
            column: location.column,
        }
    }
}
