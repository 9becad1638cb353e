//! JUnit's XML, which CI systems show: one suite of cases.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::diag::is_hidden;

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What CI systems group by: the file.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
}

/// How a case went.
#[derive(Debug)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Well, with something to say.
    Noted(String),
    /// Not well: a summary and the whole text.
    Failed(String, String),
    /// It could not be tried: a summary and the whole text.
    Broken(String, String),
    /// It was not tried, and why.
    Skipped(String),
}

impl Outcome {
    /// A failure whose first line is its summary.
    pub fn failed(text: String) -> Outcome {
        Outcome::Failed(text.lines().next().unwrap_or_default().to_owned(), text)
    }
}

/// Prints a suite.
///
/// # Errors
/// Those of writing.
pub fn print(suite: &str, cases: &[Case], out: &mut dyn Write) -> io::Result<()> {
    let mut printed = TestSuite::new(suite);
    printed.add_test_cases(cases.iter().map(Case::printed));
    let mut report = Report::unnamed();
    report.add_test_suite(printed);
    report.serialize(out).map_err(io::Error::other)
}

impl Case {
    fn printed(&self) -> TestCase {
        let status = match &self.outcome {
            Outcome::Passed | Outcome::Noted(_) => TestCaseStatus::success(),
            Outcome::Failed(summary, text) => unsuccessful(NonSuccessKind::Failure, summary, text),
            Outcome::Broken(summary, text) => unsuccessful(NonSuccessKind::Error, summary, text),
            Outcome::Skipped(why) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(visible(why));
                status
            }
        };
        let mut case = TestCase::new(visible(&self.name), status);
        case.set_classname(visible(&self.class));
        if let Outcome::Noted(text) = &self.outcome {
            case.set_system_out(visible(text));
        }
        case
    }
}

fn unsuccessful(kind: NonSuccessKind, summary: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(visible(summary)).set_description(visible(text));
    status
}

/// Text for XML 1.0, which has no place for most control characters and for noncharacters.
fn visible(text: &str) -> String {
    text.replace(|c| is_hidden(c) && !matches!(c, '\n' | '\t'), "\u{fffd}")
}
