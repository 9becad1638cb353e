//! Tests of policies: cases in files `*.test.yaml` beside them, each an object, a request, and the expected result.
//!
//! A file is one case, or a table of small changes to one object. A case compares what its `want` names. In addition, its
//! object is mutated twice, and its patch is replayed by another implementation. This module reads no file and no clock:
//! callers hand in the bytes.

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

use crate::diag::{Diagnostic, Sources, any_error};
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

/// What came of a case, or of a file without one that can be run.
#[derive(Debug)]
pub struct Tested<'a> {
    /// The file.
    pub file: &'a TestFile,
    /// The case.
    pub case: Option<&'a Case>,
    /// What is wrong with it.
    pub diagnostics: &'a [Diagnostic],
    /// Where the case's wishes and the outcome differ.
    pub differences: Vec<Difference>,
}

impl Tested<'_> {
    /// Whether the case is sound and came out as it says.
    pub fn passed(&self) -> bool {
        !self.file.cases.is_empty() && self.differences.is_empty() && !any_error(self.diagnostics)
    }

    /// The case's name, or the file's where there is no case.
    pub fn name(&self) -> &str {
        self.case.map_or(&self.file.name, |case| &case.name)
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
        self.files.iter().flat_map(|file| self.tested(file, bundle)).collect()
    }

    fn tested<'a>(&'a self, file: &'a TestFile, bundle: &Bundle) -> Vec<Tested<'a>> {
        let broken = (file.cases.is_empty() || !file.diagnostics.is_empty()).then_some(Tested {
            file,
            case: None,
            diagnostics: &file.diagnostics,
            differences: Vec::new(),
        });
        let cases = file.cases.iter().map(|case| Tested {
            file,
            case: Some(case),
            diagnostics: &case.diagnostics,
            differences: compare::compare(case, &run::run(case, bundle), &self.sources),
        });
        broken.into_iter().chain(cases).collect()
    }

    /// The cases that can be run.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.files.iter().flat_map(|file| &file.cases)
    }
}
