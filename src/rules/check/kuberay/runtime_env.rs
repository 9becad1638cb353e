//! The rule on `runtimeEnvYAML` (KubeRay 1.1 to 1.7, `UnmarshalRuntimeEnvYAML`): `sigs.k8s.io/yaml` must be able to read
//! it into a map.
//!
//! That reader is a lenient one. It looks at the first document only, takes the last of repeated keys, merge keys and
//! keys that are numbers, and takes nothing at all for an empty map. What this project's own reader refuses beyond it is
//! let pass here.

use crate::diag::{Diagnostic, Sources};
use crate::k8s::path::Path;
use crate::ray::RayJob;
use crate::ray::job::text;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::{self, Limits, Reading};

use super::refusal;

/// The bounds within which it is read. A longer one is let pass: only KubeRay can tell.
const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    nodes: 50_000,
    depth: 100,
    lookahead: 1 << 18,
};

/// The diagnostics of our reader that stand for an error of KubeRay's: control characters, syntax, tabs, and aliases that
/// lead nowhere.
const REFUSED: [&str; 4] = ["RY102", "RY201", "RY202", "RY207"];

/// K30.
pub const NOT_A_MAPPING: Check = refusal(
    "RG130",
    "the runtime environment is no YAML mapping",
    Versions::ALL,
    "# What it does
Finds a `runtimeEnvYAML` that is not YAML, or is YAML of something else than a mapping: a list, a text, a number. An empty
one is fine, and so are repeated keys, merge keys and keys that are numbers; after `---` nothing is read. What the keys
mean is not asked here, but by RG705.

# Why it is bad
KubeRay refuses the RayJob after it exists, and the job never starts.

# What fixes it
`RayJobConfig(runtime_env={\"pip\": [\"numpy\"]})`: Flyte writes the YAML.

# Fails
```yaml
spec: {runtimeEnvYAML: \"- numpy\"}
```

# Passes
```yaml
spec: {runtimeEnvYAML: \"pip: [numpy]\"}
```
",
    not_a_mapping,
);

fn not_a_mapping(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(problem) = text(job.spec, "runtimeEnvYAML").and_then(problem) else {
        return;
    };
    findings.push(
        Finding::new(
            Path::of(["spec", "runtimeEnvYAML"]),
            format!("runtimeEnvYAML {problem}, KubeRay never starts the job"),
        )
        .fix("write a YAML mapping, such as `pip: [numpy]`")
        .flyte("RayJobConfig(runtime_env={…})"),
    );
}

/// Why KubeRay cannot read a text into a map, in words that repeat nothing of it: it may hold secrets.
fn problem(text: &str) -> Option<String> {
    let text = first_document(text);
    if text.len() > LIMITS.bytes {
        return None;
    }
    if has_other_version(text) {
        return Some("is in another version of YAML than 1.1".to_owned());
    }
    // Text in braces would be read as JSON, strictly.
    let marked = if yaml::is_json(text) {
        format!("---\n{text}")
    } else {
        text.to_owned()
    };
    let lines_added = usize::from(marked.len() > text.len());
    let mut sources = Sources::new();
    let source = sources.add("runtimeEnvYAML", &marked);
    let (documents, diagnostics) = yaml::parse(source, &marked, Reading::Kubectl, &LIMITS);
    if let Some(error) = diagnostics.iter().find(|diagnostic| is_refused(diagnostic)) {
        let line = error
            .primary
            .as_ref()
            .and_then(|(span, _)| marked.get(..span.start))
            .map_or(1, |before| 1 + before.matches('\n').count());
        return Some(format!(
            "is not YAML in line {}",
            line.saturating_sub(lines_added).max(1)
        ));
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        return None;
    }
    match documents.first().map(yaml::Node::kind) {
        None | Some("null" | "a mapping") => None,
        Some(kind) => Some(format!("is {kind}, not a mapping")),
    }
}

fn is_refused(diagnostic: &Diagnostic) -> bool {
    diagnostic.is_error() && REFUSED.contains(&diagnostic.code)
}

/// The text up to the end of its first document, beyond which KubeRay does not read.
fn first_document(text: &str) -> &str {
    let (mut at, mut has_begun) = (0, false);
    for line in text.split_inclusive('\n') {
        let is_marker = |marker| {
            line.strip_prefix(marker)
                .is_some_and(|rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let begins = is_marker("---");
        if has_begun && (begins || is_marker("...")) {
            return text.get(..at).unwrap_or(text);
        }
        has_begun |= begins || !(line.starts_with(['#', '%']) || line.trim_ascii().is_empty());
        at += line.len();
    }
    text
}

/// Whether a directive asks for another version than 1.1, the only one that KubeRay's reader takes.
fn has_other_version(text: &str) -> bool {
    text.lines()
        .take_while(|line| line.starts_with(['#', '%']) || line.trim_ascii().is_empty())
        .filter_map(|line| line.strip_prefix("%YAML"))
        .any(|version| version.split('#').next().unwrap_or_default().trim_ascii() != "1.1")
}

#[cfg(test)]
mod tests;
