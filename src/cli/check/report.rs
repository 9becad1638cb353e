//! What each format prints of what was found.

mod full;
mod github;
pub mod json;
mod junit;
mod lines;
mod page;
mod sarif;
mod seen;

use std::io::Write;

use crate::cli::page::Medium;

pub use seen::{Report, Seen, verdict};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// With the lines of the file underlined
    #[default]
    Full,
    /// One line for each finding, with its place and code
    Concise,
    /// One JSON document with every object, the diagnostics and the totals
    Json,
    /// One JSON object for each input object, in order
    Jsonl,
    /// JUnit's XML: a case for each object
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// One HTML file for a browser, which needs nothing else
    Html,
    /// Markdown, for pull requests
    Markdown,
}

impl Format {
    /// A report in this format; of [`Format::Full`] the diff of each object is a part, where that is wanted.
    pub fn report<'o>(self, out: &'o mut dyn Write, diff: bool) -> Box<dyn Report + 'o> {
        match self {
            Format::Full => Box::new(full::Full::new(out, diff)),
            Format::Concise => Box::new(lines::Lines::new(out, lines::concise)),
            Format::Github => Box::new(lines::Lines::new(out, github::annotation)),
            Format::Json => Box::new(json::Json::new(out)),
            Format::Jsonl => Box::new(json::Jsonl::new(out)),
            Format::Junit => Box::new(junit::Junit::new(out)),
            Format::Sarif => Box::new(sarif::Sarif::new(out)),
            Format::Html => Box::new(page::Paged::new(out, Medium::Html)),
            Format::Markdown => Box::new(page::Paged::new(out, Medium::Markdown)),
        }
    }
}
