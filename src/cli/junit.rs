//! JUnit's XML, which CI systems show: one suite of cases.

use std::io::{self, Write};

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
    let count = |wanted: fn(&Outcome) -> bool| cases.iter().filter(|case| wanted(&case.outcome)).count();
    let errors = match count(|outcome| matches!(outcome, Outcome::Broken(..))) {
        0 => String::new(),
        errors => format!(" errors=\"{errors}\""),
    };
    let skipped = match count(|outcome| matches!(outcome, Outcome::Skipped(_))) {
        0 => String::new(),
        skipped => format!(" skipped=\"{skipped}\""),
    };
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites>")?;
    writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\"{errors}{skipped}>",
        escaped(suite),
        cases.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(..)))
    )?;
    for case in cases {
        print_case(case, out)?;
    }
    writeln!(out, "</testsuite>")?;
    writeln!(out, "</testsuites>")
}

fn print_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let (class, name) = (escaped(&case.class), escaped(&case.name));
    write!(out, "  <testcase classname=\"{class}\" name=\"{name}\"")?;
    let inner = match &case.outcome {
        Outcome::Passed => return writeln!(out, "/>"),
        Outcome::Noted(text) => format!("<system-out>{}</system-out>", escaped(text)),
        Outcome::Skipped(why) => format!("<skipped message=\"{}\"/>", escaped(why)),
        Outcome::Failed(message, text) => {
            format!("<failure message=\"{}\">{}</failure>", escaped(message), escaped(text))
        }
        Outcome::Broken(message, text) => {
            format!("<error message=\"{}\">{}</error>", escaped(message), escaped(text))
        }
    };
    writeln!(out, ">\n    {inner}\n  </testcase>")
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
