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
    lookahead: 1 << 18,
};

/// The key that merges another mapping in.
pub const MERGE: &str = "<<";

/// The mapping that the text holds, as KubeRay reads it; `None` where it holds something else or cannot be read.
pub fn read(text: &str) -> Option<Node> {
    if has_yaml_1_1_breaks(text) {
        return None;
    }
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
    let mut lines = text.lines().map(str::trim);
    !has_other_line_ends(text) && lines.all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

/// Whether a line ends there for YAML 1.1, and so for KubeRay, and not for [`str::lines`].
fn has_other_line_ends(text: &str) -> bool {
    let is_alone = |at: usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    has_yaml_1_1_breaks(text) || text.match_indices('\r').any(|(at, _)| is_alone(at))
}

/// Whether the text has what only YAML 1.1 takes for line ends, or byte order marks within, which our reader sees otherwise.
fn has_yaml_1_1_breaks(text: &str) -> bool {
    text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'])
}
