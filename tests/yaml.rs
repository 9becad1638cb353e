//! Reading YAML and JSON, above all where they are hostile or wrong.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and a benchmark prints its result"
)]

#[path = "yaml/documents.rs"]
mod documents;
#[path = "yaml/hostile.rs"]
mod hostile;
#[path = "yaml/properties.rs"]
mod properties;

use raygate::diag::{Diagnostic, Sources};
use raygate::yaml::{Limits, Node, Reading, read};
use serde_json::Value;

/// What was read from a policy file.
struct Outcome {
    sources: Sources,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
}

impl Outcome {
    fn of(text: impl AsRef<[u8]>) -> Self {
        Self::within(text, Reading::Cautious, &Limits::policies())
    }

    fn within(text: impl AsRef<[u8]>, reading: Reading, limits: &Limits) -> Self {
        let mut sources = Sources::new();
        let (_, documents, diagnostics) = read(&mut sources, "a.yaml", text.as_ref(), reading, limits);
        Self {
            sources,
            documents,
            diagnostics,
        }
    }

    fn values(&self) -> Vec<Value> {
        self.documents.iter().map(Node::to_json).collect()
    }

    /// The diagnostics on one line each.
    fn lines(&self) -> Vec<String> {
        self.diagnostics
            .iter()
            .map(|diagnostic| diagnostic.concise(&self.sources))
            .collect()
    }

    /// `line:column CODE` of each diagnostic.
    fn places(&self) -> Vec<String> {
        let place = |diagnostic: &Diagnostic| {
            let location = self.sources.location(diagnostic.primary.as_ref().unwrap().0).unwrap();
            format!("{}:{} {}", location.line, location.column, diagnostic.code)
        };
        self.diagnostics.iter().map(place).collect()
    }
}
