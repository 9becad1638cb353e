//! # What it does
//! Looks at each entry of `rayStartParams` as bash will read it. It rejects what bash cannot parse (a quotation mark or a
//! bracket without its end), an unquoted blank before another word, and `resources` or `system-config` that are no JSON
//! once bash removes the quotes. It warns about `;`, `&`, `|`, `<`, `>` and line ends outside quotes. Variables, `$(…)` and
//! `$((…))` are fine: bash in the container evaluates them.
//!
//! # Why it is bad
//! Every KubeRay release writes the parameters unquoted into a bash command. Bare JSON is split into words, and `ray start`
//! stops with `Got unexpected extra argument` (ray-project/kuberay#1984). What follows a `;` runs as a separate command. With
//! the annotation `ray.io/overwrite-container-cmd` bash may never read the parameters, so the check only warns.
//!
//! # What fixes it
//! Add quotation marks inside the value: `ray_start_params={"resources": "'{\"TPU\": 4}'"}`.
//!
//! # Fails
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {resources: '{"slot": 4}'}}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {rayClusterSpec: {workerGroupSpecs: [{rayStartParams: {
//!   resources: "'{\"slot\": 4}'", num-cpus: $(nproc), node-ip-address: $MY_POD_IP}}]}}
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::shell::{self, Special};
use crate::ray::{Pod, RayJob, flyte, told};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG509",
    title: "rayStartParams must survive shell parsing",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("shell_in_parameters.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let may_be_unread = told::overwrites_command(job);
    for pod in job.ray_pods() {
        // Two values with one quotation mark each may quote what stands between them.
        let unclosed = parameters(pod).filter(|(_, value)| is_unclosed(value)).count();
        for (key, value) in parameters(pod) {
            let Some(problem) = name_problem(key)
                .or_else(|| value_problem(value, unclosed))
                .or_else(|| json_problem(key, value))
            else {
                continue;
            };
            let finding = Finding::new(
                pod.group_path().then_key("rayStartParams").name(key),
                format!("{}: start parameter {} {}", pod.title(), quoted(key), problem.what),
            )
            .fix("add quotation marks inside the value: resources: \"'{\\\"TPU\\\": 4}'\"")
            .flyte(flyte::setting(pod, "ray_start_params={…}"));
            let is_certain = problem.is_certain && !may_be_unread;
            findings.push(if is_certain { finding } else { finding.warn_only() });
        }
    }
}

/// What is wrong with a start parameter, and whether `ray start` certainly fails by it.
struct Problem {
    what: String,
    is_certain: bool,
}

impl Problem {
    fn fails(what: impl Into<String>) -> Option<Problem> {
        Some(Problem {
            what: what.into(),
            is_certain: true,
        })
    }

    fn may_fail(what: impl Into<String>) -> Option<Problem> {
        Some(Problem {
            what: what.into(),
            is_certain: false,
        })
    }
}

/// The start parameters that are text, without the blanks at their end, which bash ignores.
fn parameters<'a>(pod: &Pod<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let texts =
        |(key, value): (&'a String, &'a Value)| Some((key.as_str(), value.as_str()?.trim_end_matches([' ', '\t'])));
    pod.start_params().into_iter().flat_map(Map::iter).filter_map(texts)
}

fn is_unclosed(value: &str) -> bool {
    shell::specials(value).any(|special| matches!(special, Special::Unclosed(_)))
}

fn name_problem(key: &str) -> Option<Problem> {
    let is_plain = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    // With any of these, the name may still become an option of `ray start`.
    let may_be_option = key.contains(['$', '`', '=', '\'', '"', '\\']);
    match (is_plain, may_be_option) {
        (true, _) => None,
        (false, true) => Problem::may_fail("has a name that bash evaluates"),
        (false, false) => Problem::fails("has a name that is no option of `ray start`"),
    }
}

fn value_problem(value: &str, unclosed: usize) -> Option<Problem> {
    let mut specials = shell::specials(value);
    let special = specials.find(|special| !matches!(special, Special::Variable(_) | Special::Command))?;
    // What a command substitution may hold is more than is read here.
    let is_simple = !value.contains(['$', '`']) || !["case", "<<", "#"].iter().any(|word| value.contains(word));
    let problem = match special {
        Special::Unclosed(open) => {
            let what = format!("has a `{open}` without its end; bash cannot read it");
            if unclosed == 1 {
                Problem::fails(what)
            } else {
                Problem::may_fail(what)
            }
        }
        Special::Operator(bracket @ ('(' | ')')) => {
            Problem::fails(format!("has a `{bracket}` outside quotes; bash cannot read it"))
        }
        Special::Operator('\n') => Problem::may_fail("has a line end outside quotes; bash runs the rest as a command"),
        Special::Operator(operator) => Problem::may_fail(format!(
            "has a {} outside quotes; bash does not pass it to `ray start`",
            quoted(&operator.to_string())
        )),
        Special::Blank if begins_a_word(specials.rest()) => {
            Problem::fails("has a blank outside quotes; `ray start` rejects the extra argument")
        }
        Special::Blank => Problem::may_fail("has a blank outside quotes; bash splits the value there"),
        Special::Comment => Problem::may_fail("has a `#` after a blank; bash ignores the rest"),
        Special::Command | Special::Variable(_) => None,
    }?;
    Some(Problem {
        is_certain: problem.is_certain && is_simple,
        ..problem
    })
}

/// Whether what follows a blank is a word that is no option, whatever the environment holds.
fn begins_a_word(rest: &str) -> bool {
    rest.trim_start_matches([' ', '\t', '"', '\'', '{', '['])
        .starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The parameters that `ray start` reads as JSON. Nothing is said where bash puts something in.
fn json_problem(key: &str, value: &str) -> Option<Problem> {
    if shell::specials(value).next().is_some() {
        return None;
    }
    let json = shell::unquoted(value)?;
    match key {
        "resources" if serde_json::from_str::<BTreeMap<String, f64>>(&json).is_err() => {
            Problem::fails("is no JSON object of numbers once bash removes the quotes")
        }
        "system-config" if serde_json::from_str::<Value>(&json).is_err() => {
            Problem::fails("is no JSON once bash removes the quotes")
        }
        _ => None,
    }
}
