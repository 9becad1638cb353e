//! The rule on `runtimeEnvYAML` (KubeRay 1.1 to 1.7, `UnmarshalRuntimeEnvYAML`): `sigs.k8s.io/yaml` must be able to read
//! it into a map.
//!
//! That reader is a lenient one. It looks at the first document only, takes the last of repeated keys, merge keys and
//! keys that are numbers, and takes nothing at all for an empty map. What this project's own reader refuses beyond it is
//! let pass here.

mod relax;

use crate::diag::{Diagnostic, Sources};
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::{self, Limits, Node, Reading, Style};

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG130",
    title: "the runtime environment is no YAML mapping",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("runtime_env.md"),
    evidence: &[validation(&[616])],
    run,
};

/// The bounds within which it is read. A longer one is let pass: only KubeRay can tell.
const LIMITS: Limits = Limits {
    bytes: 1 << 18,
    nodes: 20_000,
    depth: 64,
    lookahead: 1 << 18,
};

/// The most places at which a text is changed into what our reader takes as well; one with more is let pass.
const TRIES: usize = 8;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(problem) = text(job.spec, "runtimeEnvYAML").and_then(problem) else {
        return;
    };
    findings.push(
        Finding::new(
            job.job_path("runtimeEnvYAML"),
            format!("runtimeEnvYAML {problem}, KubeRay never starts the job"),
        )
        .fix("write a YAML mapping, such as `pip: [numpy]`")
        .flyte("RayJobConfig(runtime_env={…})"),
    );
}

/// Why KubeRay cannot read a text into a map, in words that repeat nothing of it: it may hold secrets.
fn problem(text: &str) -> Option<String> {
    let text = first_document(text.strip_prefix('\u{feff}').unwrap_or(text));
    // What YAML 1.1 takes for line ends, and byte order marks within the text, our reader sees otherwise.
    if text.len() > LIMITS.bytes || text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']) {
        return None;
    }
    if has_other_version(text) {
        return Some("is in another version of YAML than 1.1".to_owned());
    }
    // Text in braces would be read as JSON, strictly.
    let marker = if yaml::is_json(text) { "---\n" } else { "" };
    let mut marked = format!("{marker}{}", relax::without_inner_tabs(text));
    let not_yaml = |marked: &str, at: usize| {
        let before = marked.get(marker.len()..at).unwrap_or_default();
        Some(format!("is not YAML in line {}", 1 + before.matches('\n').count()))
    };
    if let Some(at) = leading_tab(&marked, marker.len()) {
        return not_yaml(&marked, at);
    }
    for _ in 0..TRIES {
        let (root, diagnostics) = read(&marked);
        let Some(error) = diagnostics.iter().find(|error| is_refused(error, &marked)) else {
            let root = root?;
            return match root.kind() {
                "null" => None,
                "a mapping" => trailing_tab(&marked, &root).and_then(|at| not_yaml(&marked, at)),
                kind => Some(format!("is {kind}, not a mapping")),
            };
        };
        match relax::relaxed(&marked, error) {
            Some(text) => marked = text,
            None => return not_yaml(&marked, relax::place(error)),
        }
    }
    None
}

/// The only document of a text, if it has one, and what our reader says of it.
fn read(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let source = sources.add("runtimeEnvYAML", text);
    let (mut documents, diagnostics) = yaml::parse(source, text, Reading::Kubectl, &LIMITS);
    (documents.pop(), diagnostics)
}

/// Whether KubeRay's reader refuses what ours does.
fn is_refused(diagnostic: &Diagnostic, text: &str) -> bool {
    let seen = diagnostic
        .primary
        .as_ref()
        .and_then(|(span, _)| text.get(span.start..span.end))
        .unwrap_or_default();
    diagnostic.is_error()
        && match &*diagnostic.code {
            "RY102" | "RY202" | "RY207" => true,
            "RY201" => !seen.starts_with('!') && !is_behind_the_root(text, relax::place(diagnostic)),
            // Keys that are numbers or booleans are taken, null and collections are not.
            "RY204" => matches!(seen, "" | ":" | "~" | "null" | "Null" | "NULL") || seen.starts_with(['[', '{']),
            // JSON has no infinity; a number that is only too large is taken for text.
            "RY209" => seen.trim_start_matches(['+', '-']).starts_with('.'),
            _ => false,
        }
}

/// Whether an error stands behind the first complete value, where KubeRay's reader stops: behind the brackets of a
/// collection, or at a line that is indented less than the mapping.
fn is_behind_the_root(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let (Some(root), diagnostics) = read(before) else {
        return false;
    };
    if diagnostics
        .iter()
        .any(|error| matches!(&*error.code, "RY201" | "RY202" | "RY207"))
        || root.as_mapping().is_none()
    {
        return false;
    }
    let line = |at: usize| {
        before
            .get(..at)
            .map_or(0, |before| before.rfind('\n').map_or(0, |end| end + 1))
    };
    let indent = |line: usize| {
        let rest = before.get(line..).unwrap_or_default();
        rest.len() - rest.trim_start_matches(' ').len()
    };
    match root.style {
        Style::Flow => root.span.end <= at,
        Style::Block => at - line(at) < indent(line(root.span.start)),
        _ => false,
    }
}

/// Where a tab stands before the first character that counts.
fn leading_tab(text: &str, from: usize) -> Option<usize> {
    let blank = text.get(from..)?.bytes().take_while(u8::is_ascii_whitespace).count();
    let at = text.get(from..from + blank)?.find('\t')?;
    Some(from + at)
}

/// Where a line that is empty but for a tab stands behind a mapping in block style.
fn trailing_tab(text: &str, root: &Node) -> Option<usize> {
    let content = text.trim_ascii_end().len();
    let at = text.get(content..)?.find("\n\t")?;
    (root.style == Style::Block).then_some(content + at + 1)
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
