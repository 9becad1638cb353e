//! The results for people, as lines, and as JSON.

use std::io::Write;

use serde_json::{Value, json};

use crate::cli::{Failure, is_coloured};
use crate::diag::{columns, counted, one_line};
use crate::suite::coverage::Coverage;
use crate::suite::{Difference, Line, Suite, Tested};

/// The column at which the place of a line begins, where the line is not longer.
const PLACE_COLUMN: usize = 72;

/// Each case, with its differences.
pub fn full(suite: &Suite, results: &[Tested<'_>], out: &mut dyn Write) -> Result<(), Failure> {
    for tested in results {
        let verdict = if tested.passed() { "ok  " } else { "FAIL" };
        writeln!(
            out,
            "{verdict}  {}  {}",
            one_line(&tested.file.name),
            one_line(tested.name())
        )?;
        for diagnostic in tested.diagnostics {
            writeln!(out, "{}", diagnostic.render(&suite.sources, is_coloured()))?;
        }
        for line in difference_lines(&tested.differences) {
            writeln!(out, "      {line}")?;
        }
    }
    Ok(())
}

/// The differences as a diff: a heading for each part, then what is wanted and what came out.
pub fn difference_lines(differences: &[Difference]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut part = "";
    for difference in differences {
        if difference.part != part {
            part = difference.part;
            lines.push(part.to_owned());
        }
        lines.extend(difference.want.iter().map(|line| signed('-', line)));
        lines.extend(difference.got.iter().map(|line| signed('+', line)));
    }
    lines
}

fn signed(sign: char, line: &Line) -> String {
    match &line.place {
        Some(place) => {
            let row = [line.text.clone(), place.clone()];
            format!("{sign} {}", columns(&[row], [PLACE_COLUMN, 0], PLACE_COLUMN).concat())
        }
        None => format!("{sign} {}", line.text),
    }
}

/// One line a failure.
pub fn concise(suite: &Suite, results: &[Tested<'_>], out: &mut dyn Write) -> Result<(), Failure> {
    for tested in results {
        for diagnostic in tested.diagnostics {
            writeln!(out, "{}", diagnostic.concise(&suite.sources))?;
        }
        for difference in &tested.differences {
            let side = |word: &str, line: &Option<Line>| line.as_ref().map(|line| format!("{word} {}", line.text));
            let sides: Vec<String> = [side("wants", &difference.want), side("got", &difference.got)]
                .into_iter()
                .flatten()
                .collect();
            writeln!(
                out,
                "{}: {}: {}: {}",
                one_line(&tested.file.name),
                one_line(tested.name()),
                difference.part,
                sides.join(", ")
            )?;
        }
    }
    if results.is_empty() {
        writeln!(out, "{NO_CASE}")?;
    }
    Ok(())
}

const NO_CASE: &str = "no case was found: write one into a file NAME.test.yaml beside the policies";

/// One JSON object for each case.
pub fn jsonl(suite: &Suite, results: &[Tested<'_>], out: &mut dyn Write) -> Result<(), Failure> {
    for tested in results {
        let diagnostics: Vec<String> = tested
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.concise(&suite.sources))
            .collect();
        let differences: Vec<Value> = tested.differences.iter().map(as_json).collect();
        let line = json!({
            "file": tested.file.name,
            "name": tested.name(),
            "passed": tested.passed(),
            "diagnostics": diagnostics,
            "differences": differences,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn as_json(difference: &Difference) -> Value {
    let side = |line: &Option<Line>| {
        line.as_ref()
            .map(|line| json!({"text": line.text, "place": line.place}))
    };
    json!({"part": difference.part, "want": side(&difference.want), "got": side(&difference.got)})
}

/// What no case notices, and the totals.
pub fn total(
    results: &[Tested<'_>],
    wants_coverage: bool,
    covered: Option<&Coverage>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if results.is_empty() {
        writeln!(out, "{NO_CASE}")?;
    }
    let passed = results.iter().filter(|tested| tested.passed()).count();
    match covered {
        Some(covered) => {
            for part in &covered.unnoticed {
                writeln!(out, "{}", part.diagnostic().render(&covered.sources, is_coloured()))?;
            }
        }
        None if wants_coverage => writeln!(out, "coverage is not measured while a case fails")?,
        None => {}
    }
    writeln!(
        out,
        "{}: {passed} passed, {} failed",
        counted(results.len(), "case"),
        results.len() - passed
    )?;
    if let Some(covered) = covered {
        let noticed = covered.parts - covered.unnoticed.len();
        writeln!(
            out,
            "coverage: {noticed} of {} parts of the policies are noticed",
            covered.parts
        )?;
    }
    Ok(())
}

/// What no case notices, a line each.
pub fn unnoticed(covered: &Coverage, as_json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    for part in &covered.unnoticed {
        let line = part.diagnostic().concise(&covered.sources);
        if as_json {
            writeln!(out, "{}", json!({"unnoticed": part.part, "diagnostic": line}))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
