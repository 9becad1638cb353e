//! # What it does
//! Finds start parameters that a shell would take apart: blanks, `;`, `&`, `|`, backquotes, `$(…)` and the like outside
//! quotation marks. `$NAME` and `${NAME}` are fine. `resources` must be a JSON object of numbers once its quotation marks
//! are gone.
//!
//! # Why it is bad
//! Every KubeRay release writes the parameters unquoted into a bash command. Bare JSON is split into words, and `ray start`
//! stops with `Got unexpected extra argument` (ray-project/kuberay#1984); anything after a `;` runs as a command of its own.
//!
//! # What fixes it
//! Quotation marks inside the value: `ray_start_params={"resources": "'{\"TPU\": 4}'"}`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {resources: '{"slot": 4}'}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {resources: "'{\"slot\": 4}'", node-ip-address: $MY_POD_IP}}]}}
//! ```

use std::collections::BTreeMap;

use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::shell::{self, Special};
use crate::ray::{RayJob, flyte};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG509",
    title: "a start parameter that the shell takes apart",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("shell_in_parameters.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        for (key, value) in pod.start_params().into_iter().flatten() {
            let Some(value) = value.as_str() else { continue };
            let problem = if !is_plain(key) {
                "has a name that the shell takes apart".to_owned()
            } else if let Some(problem) = problem(value.trim_end_matches([' ', '\t'])) {
                problem
            } else if key == "resources" && !is_resources(value) {
                "is no JSON object of numbers for `ray start`".to_owned()
            } else {
                continue;
            };
            findings.push(
                Finding::new(
                    pod.group_path().then_key("rayStartParams").name(key),
                    format!("{}: start parameter {} {problem}", pod.title(), quoted(key)),
                )
                .fix("put quotation marks inside the value: resources: \"'{\\\"TPU\\\": 4}'\"")
                .flyte(flyte::setting(pod, "ray_start_params={…}")),
            );
        }
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn problem(value: &str) -> Option<String> {
    shell::specials(value).find_map(|special| match special {
        Special::Variable(name) if !name.is_empty() => None,
        Special::Variable(_) => Some("has a `$` that the shell replaces".to_owned()),
        Special::Blank => Some("is split by the shell at a blank".to_owned()),
        Special::Operator('\n') => Some("is split by the shell at a line end".to_owned()),
        Special::Operator(operator) => Some(format!("is cut by the shell at {}", quoted(&operator.to_string()))),
        Special::Command => Some("makes the shell run a command".to_owned()),
        Special::Comment => Some("is a comment to the shell".to_owned()),
        Special::Unclosed(quote) => Some(format!("has a {quote} without its end")),
    })
}

fn is_resources(value: &str) -> bool {
    shell::unquoted(value.trim_end_matches([' ', '\t']))
        .is_some_and(|json| serde_json::from_str::<BTreeMap<String, f64>>(&json).is_ok())
}
