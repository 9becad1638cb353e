//! The rule on `runtimeEnvYAML` (KubeRay 1.1 to 1.7, `UnmarshalRuntimeEnvYAML`): `sigs.k8s.io/yaml` must be able to read
//! it into a map.
//!
//! What that reader makes of a text, [`go_yaml`] says.

use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, go_yaml};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};
use crate::yaml::Limits;

use super::super::validation;

/// The check.
pub const CHECK: Check = Check {
    code: "RG130",
    title: "runtimeEnvYAML must be a YAML mapping",
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
    let document = match go_yaml::read(text, &LIMITS) {
        Ok(document) => document?,
        Err(refusal) => return Some(refusal.to_string()),
    };
    match document.root().kind() {
        "null" | "a mapping" => None,
        kind => Some(format!("is {kind}, not a mapping")),
    }
}

#[cfg(test)]
mod tests;
