//! The rule on `runtimeEnvYAML` (KubeRay 1.1 to 1.7, `UnmarshalRuntimeEnvYAML`): `sigs.k8s.io/yaml` must be able to read
//! it into a map.
//!
//! What that reader makes of a text, [`crate::ray::go_yaml`] says.

use crate::policy::settings::Action;
use crate::ray::go_yaml::Outcome;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

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

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(problem) = job.runtime_env().and_then(problem) else {
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
fn problem(read: &Outcome) -> Option<String> {
    let document = match read {
        Ok(document) => document.as_ref()?,
        Err(refusal) => return Some(refusal.to_string()),
    };
    match document.root().kind() {
        "null" | "a mapping" => None,
        kind => Some(format!("is {kind}, not a mapping")),
    }
}

#[cfg(test)]
mod tests;
