//! The results as JUnit's XML.

use std::io::Write;

use crate::cli::Failure;
use crate::cli::junit::{self, Case, Outcome};
use crate::suite::coverage::Coverage;
use crate::suite::{Suite, Tested};

use super::report::difference_lines;

/// Prints one test suite; what no case notices is a case of its own that failed.
pub fn print(
    suite: &Suite,
    results: &[Tested<'_>],
    covered: Option<&Coverage>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut cases: Vec<Case> = results.iter().map(|tested| case(suite, tested)).collect();
    if let Some(covered) = covered {
        cases.extend(covered.unnoticed.iter().map(|part| Case {
            class: "coverage".to_owned(),
            name: part.part.clone(),
            outcome: Outcome::failed(part.diagnostic().render(&covered.sources, false)),
        }));
    }
    Ok(junit::print("raygate test", &cases, out)?)
}

fn case(suite: &Suite, tested: &Tested<'_>) -> Case {
    let mut lines: Vec<String> = tested
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.render(&suite.sources, false))
        .collect();
    lines.extend(difference_lines(&tested.differences));
    Case {
        class: tested.file.name.clone(),
        name: tested.name().to_owned(),
        outcome: if tested.passed() {
            Outcome::Passed
        } else {
            Outcome::failed(lines.join("\n"))
        },
    }
}
