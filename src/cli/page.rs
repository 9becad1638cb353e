//! Reports that people look at: one HTML file that needs nothing else, and Markdown for pull requests.
//!
//! They have the counts first, then groups by namespace, policy and code, then each object. They name the places that were
//! changed and never the values, which may be secret.

mod content;
mod html;
mod markdown;

use std::io::{self, Write};

pub use content::{Line, Page, Place, Row, of_outcome, policy};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// One self-contained file for a browser.
    Html,
    /// For pull requests.
    Markdown,
}

impl Page {
    /// Prints the report.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print(&self, medium: Medium, out: &mut dyn Write) -> io::Result<()> {
        match medium {
            Medium::Html => html::print(self, out),
            Medium::Markdown => markdown::print(self, out),
        }
    }
}
