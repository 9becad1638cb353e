//! Looks into `runtimeEnvYAML`.

use crate::diag::{listed, quoted};
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, runtime_env};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::{Node, NodeValue};

/// The check.
pub const CHECK: Check = Check {
    code: "RG705",
    title: "runtimeEnvYAML should have only keys and values that Ray uses",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("runtime_env.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/job.go",
        &[177],
    )],
    run,
};

/// The most names that one message repeats.
const SHOWN: usize = 5;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(environment) = text(job.spec, "runtimeEnvYAML").filter(|text| !text.trim().is_empty()) else {
        return;
    };
    let Some(environment) = runtime_env::read(environment) else {
        return;
    };
    let entries = environment.as_mapping().unwrap_or_default();
    let mut report = |message: String, fix: &str| {
        findings.push(
            Finding::new(job.job_path("runtimeEnvYAML"), message)
                .fix(fix)
                .flyte("RayJobConfig(runtime_env={…})"),
        );
    };
    let unknown = entries.iter().map(|entry| entry.key.text.as_str());
    let unknown: Vec<String> = unknown
        .filter(|key| !runtime_env::KEYS.contains(key))
        .take(SHOWN)
        .map(quoted)
        .collect();
    if !unknown.is_empty() {
        report(
            format!(
                "runtimeEnvYAML: Ray ignores {}, which it does not know",
                listed(&unknown)
            ),
            "spell the keys as Ray does, such as env_vars, pip, working_dir",
        );
    }
    let variables = environment
        .get("env_vars")
        .and_then(Node::as_mapping)
        .unwrap_or_default();
    let not_text: Vec<String> = variables
        .iter()
        .filter(|entry| entry.value.as_str().is_none())
        .take(SHOWN)
        .map(|entry| quoted(&entry.key.text))
        .collect();
    if !not_text.is_empty() {
        report(
            format!(
                "runtimeEnvYAML: the variable {} is no text, Ray fails the job",
                listed(&not_text)
            ),
            "put the values of env_vars in quotation marks",
        );
    }
    if super::passes_a_shell(cx, job) {
        let replaced: Vec<String> = entries
            .iter()
            .filter(|entry| is_replaced(&entry.key.text) || has_replaced(&entry.value))
            .take(SHOWN)
            .map(|entry| quoted(&entry.key.text))
            .collect();
        if !replaced.is_empty() {
            report(
                format!(
                    "runtimeEnvYAML: the submitter's shell replaces `$` and backquotes in {}",
                    listed(&replaced)
                ),
                "leave $ and backquotes out, or set the variables on the pods",
            );
        }
    }
    if let Some(directory) = environment.get("working_dir").and_then(Node::as_str) {
        let is_uri = directory.contains("://");
        if !is_uri && job.submission_mode() == "HTTPMode" {
            report(
                format!(
                    "runtimeEnvYAML: working_dir {} is a path, HTTPMode uploads nothing",
                    quoted(directory)
                ),
                "give the URI of a zip file, or leave working_dir out",
            );
        } else if !is_uri && !directory.starts_with('/') && !directory.is_empty() {
            report(
                format!(
                    "runtimeEnvYAML: working_dir {} must exist in the submitter's image",
                    quoted(directory)
                ),
                "give the URI of a zip file, or a directory of the image",
            );
        }
    }
}

/// Whether bash would replace something of a text in double quotes.
fn is_replaced(text: &str) -> bool {
    text.contains('`')
        || text
            .split('$')
            .skip(1)
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '(')))
}

fn has_replaced(node: &Node) -> bool {
    match &node.value {
        NodeValue::String(text) => is_replaced(text),
        NodeValue::Sequence(items) => items.iter().any(has_replaced),
        NodeValue::Mapping(entries) => entries
            .iter()
            .any(|entry| is_replaced(&entry.key.text) || has_replaced(&entry.value)),
        _ => false,
    }
}
