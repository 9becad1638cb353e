//! Tests of policies: cases in files `*.test.yaml` beside them, each a RayJob, a request, and what shall come of it.
//!
//! One file is one case, so that a case can be blessed, moved and blamed alone. What a case says is compared exactly;
//! beside that its object is applied twice, and its patch is replayed by another implementation. This room reads no
//! file and no clock: whoever runs the cases hands in their bytes.

pub mod bless;
pub mod case;
pub mod changes;
pub mod codes;
pub mod compare;
pub mod coverage;
pub mod keys;
pub mod merge;
mod path;
pub mod run;

pub use case::{Case, ReadFile, TestFile};
pub use codes::CODES;
pub use compare::{Difference, Line};
pub use merge::merge;

use crate::diag::{Sources, any_error};
use crate::engine::Bundle;
use crate::policy::load::Source;

/// The test files of a set of policies.
#[derive(Debug)]
pub struct Suite {
    /// The texts that the diagnostics point into.
    pub sources: Sources,
    /// The files, by name.
    pub files: Vec<TestFile>,
}

/// What came of a file's case.
#[derive(Debug)]
pub struct Tested<'a> {
    /// The file.
    pub file: &'a TestFile,
    /// Where the case's wishes and the outcome differ.
    pub differences: Vec<Difference>,
}

impl Tested<'_> {
    /// Whether the file is sound and the case came out as it says.
    pub fn passed(&self) -> bool {
        self.differences.is_empty() && !any_error(&self.file.diagnostics)
    }

    /// The case's name, or the file's where there is no case.
    pub fn name(&self) -> &str {
        self.file.case.as_ref().map_or(&self.file.name, |case| &case.name)
    }
}

impl Suite {
    /// Reads test files.
    pub fn load(files: &[Source], read: ReadFile<'_>) -> Suite {
        let mut sources = Sources::new();
        let mut files: Vec<TestFile> = files.iter().map(|file| case::read(&mut sources, file, read)).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Suite { sources, files }
    }

    /// Runs every case against a set of policies.
    pub fn run(&self, bundle: &Bundle) -> Vec<Tested<'_>> {
        self.files
            .iter()
            .map(|file| Tested {
                file,
                differences: file
                    .case
                    .as_ref()
                    .map(|case| compare::compare(case, &run::run(case, bundle), &self.sources))
                    .unwrap_or_default(),
            })
            .collect()
    }

    /// The cases that can be run.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.files.iter().filter_map(|file| file.case.as_ref())
    }
}
