//! The results as JUnit's XML, which CI systems show.

use std::io::Write;

use crate::cli::Failure;
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
    let unnoticed = covered.map_or(&[][..], |covered| covered.unnoticed.as_slice());
    let failed = results.iter().filter(|tested| !tested.passed()).count() + unnoticed.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuite name=\"raygate test\" tests=\"{}\" failures=\"{failed}\">",
        results.len() + unnoticed.len()
    )?;
    for tested in results {
        let mut lines: Vec<String> = tested
            .file
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.render(&suite.sources, false))
            .collect();
        lines.extend(difference_lines(&tested.differences));
        let failure = (!tested.passed()).then(|| lines.join("\n"));
        case(&tested.file.name, tested.name(), failure.as_deref(), out)?;
    }
    if let Some(covered) = covered {
        for part in unnoticed {
            let text = part.diagnostic().render(&covered.sources, false);
            case("coverage", &part.part, Some(&text), out)?;
        }
    }
    writeln!(out, "</testsuite>")?;
    Ok(())
}

fn case(class: &str, name: &str, failure: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
    write!(
        out,
        "  <testcase classname=\"{}\" name=\"{}\"",
        escaped(class),
        escaped(name)
    )?;
    match failure {
        Some(text) => writeln!(
            out,
            ">\n    <failure message=\"{}\">{}</failure>\n  </testcase>",
            escaped(text.lines().next().unwrap_or_default()),
            escaped(text)
        )?,
        None => writeln!(out, "/>")?,
    }
    Ok(())
}

/// Text for XML 1.0, which has no place for most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
