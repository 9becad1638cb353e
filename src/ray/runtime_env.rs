//! Runtime environments: `runtimeEnvYAML` of a job, and what Ray makes of it.

mod rules;

use std::borrow::Cow;

use crate::diag::{Sources, any_error};
use crate::yaml::{self, Limits, Node, Reading};

pub use rules::{Effect, Problem, Way, problems};

/// The bounds within which it is read; a longer one is not looked into.
pub const LIMITS: Limits = Limits {
    bytes: 1 << 18,
    nodes: 20_000,
    depth: 64,
    lookahead: 1 << 16,
};

/// The mapping that the text holds, as KubeRay reads it; `None` where it holds something else.
pub fn read(text: &str) -> Option<Node> {
    // KubeRay reads all of it as YAML; kubectl takes a text that begins with a brace for JSON.
    let text = match text.trim_start().starts_with('{') {
        true => Cow::Owned(format!("---\n{text}")),
        false => Cow::Borrowed(text),
    };
    let mut sources = Sources::new();
    let source = sources.add("runtimeEnvYAML", &text);
    let (mut documents, diagnostics) = yaml::parse(source, &text, Reading::Kubectl, &LIMITS);
    let document = documents
        .pop()
        .filter(|_| documents.is_empty() && !any_error(&diagnostics))?;
    document.as_mapping().is_some().then_some(document)
}

/// Whether the text holds nothing.
pub fn is_blank(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}
