//! Looks at each entry of `rayStartParams` as bash will read it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::diag::quoted;
use crate::json::{Json, Object};
use crate::policy::settings::Action;
use crate::ray::shell::{self, Braces, Special};
use crate::ray::{Kinds, Pod, Workload, flyte, told};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG509",
    title: "rayStartParams must survive shell parsing",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("shell_in_parameters.md"),
    evidence: &[
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/pod.go", &[1518]),
        Evidence::Test("tests/start_parameters.rs", "what_bash_can_run_is_not_denied"),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.ray_pods() {
        let may_be_unread = told::starts_ray_itself(job, pod);
        // Two values with one quotation mark each may quote what stands between them.
        let unclosed = parameters(pod).filter(|(_, value)| is_unclosed(value)).count();
        for (key, value) in parameters(pod) {
            let Some(problem) = name_problem(key)
                .or_else(|| value_problem(key, value, unclosed))
                .or_else(|| word_problem(key, value))
            else {
                continue;
            };
            let finding = Finding::new(
                pod.group_path().then_key("rayStartParams").name(key),
                format!("{}: start parameter {} {}", pod.title(), quoted(key), problem.what),
            )
            .fix(problem.fix)
            .flyte(flyte::setting(pod, "ray_start_params={…}"));
            let is_certain = problem.is_certain && !may_be_unread;
            findings.push(if is_certain { finding } else { finding.warn_only() });
        }
    }
}

/// What is wrong with a start parameter, and whether `ray start` certainly fails by it.
struct Problem {
    what: String,
    fix: String,
    is_certain: bool,
}

impl Problem {
    /// What fails for sure, and is mended by quotation marks.
    fn fails(what: impl Into<String>, key: &str, value: &str) -> Problem {
        Problem {
            what: what.into(),
            fix: quoting(key, value),
            is_certain: true,
        }
    }

    fn may_fail(what: impl Into<String>, key: &str, value: &str) -> Problem {
        Problem {
            is_certain: false,
            ..Problem::fails(what, key, value)
        }
    }

    fn fix(self, fix: impl Into<String>) -> Problem {
        Problem {
            fix: fix.into(),
            ..self
        }
    }
}

/// How to quote the value of a parameter: the value itself where it is short and right in quotes, else an example.
fn quoting(key: &str, value: &str) -> String {
    const LONGEST: usize = 40;
    let is_short = value.len() <= LONGEST && !value.contains(['\'', '\n']);
    let quoted_value = match key {
        "resources" if !is_short || !are_resources(value) => Some("{\"TPU\": 4}"),
        "system-config" if !is_short || !is_json(value) => Some("{\"KEY\": 1}"),
        _ => Some(value).filter(|value| is_short && !value.contains('"') || is_json(value)),
    };
    match quoted_value {
        Some(value) => format!(
            "quote the value of {}: {}",
            quoted(key),
            Value::from(format!("'{value}'"))
        ),
        None => format!("quote the value of {}", quoted(key)),
    }
}

fn are_resources(json: &str) -> bool {
    serde_json::from_str::<BTreeMap<String, f64>>(json).is_ok()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

/// The start parameters that are text, without the blanks at their end, which bash ignores.
fn parameters<'a>(pod: &Pod<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let texts = |(key, value): (&'a str, Json<'a>)| Some((key, value.as_str()?.trim_end_matches([' ', '\t'])));
    pod.start_params().into_iter().flat_map(Object::iter).filter_map(texts)
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
    let problem = match (is_plain, may_be_option) {
        (true, _) => return None,
        (false, true) => Problem::may_fail("has a name that bash evaluates", key, ""),
        (false, false) => Problem::fails("has a name that is no option of `ray start`", key, ""),
    };
    Some(problem.fix("use the name of an option of `ray start`"))
}

fn value_problem(key: &str, value: &str, unclosed: usize) -> Option<Problem> {
    let mut specials = shell::specials(value);
    let special = specials.find(|special| !matches!(special, Special::Variable(_) | Special::Command))?;
    // What a command substitution may hold is more than is read here.
    let is_simple = !value.contains(['$', '`']) || !["case", "<<", "#"].iter().any(|word| value.contains(word));
    let fails = |what: &str| Problem::fails(what, key, value);
    let may_fail = |what: &str| Problem::may_fail(what, key, value);
    let problem = match special {
        Special::Unclosed(open) => {
            let what = format!("has a `{open}` without its end; bash cannot read it");
            let problem = if unclosed == 1 { fails(&what) } else { may_fail(&what) };
            let opened = match open {
                '\'' | '"' => "quotation mark".to_owned(),
                '`' => "backquote".to_owned(),
                open => format!("`{open}`"),
            };
            problem.fix(format!("close the {opened} in {}", quoted(key)))
        }
        Special::Operator(bracket @ ('(' | ')')) => {
            fails(&format!("has a `{bracket}` outside quotes; bash cannot read it"))
        }
        Special::Operator('\n') => may_fail("has a line end outside quotes; bash runs the rest as a command"),
        Special::Operator(operator) => may_fail(&format!(
            "has a {} outside quotes; bash does not pass it to `ray start`",
            quoted(&operator.to_string())
        )),
        Special::Blank if begins_a_word(specials.rest()) => {
            fails("has a blank outside quotes; `ray start` rejects the extra argument")
        }
        Special::Blank => may_fail("has a blank outside quotes; bash splits the value there"),
        Special::Comment => may_fail("has a `#` after a blank; bash ignores the rest"),
        Special::Command | Special::Variable(_) => return None,
    };
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

/// What is wrong with the word that bash makes of a value, or with the last word where it expands braces: of an option that
/// is given several times, `ray start` takes the last. Nothing is said where bash puts something in.
fn word_problem(key: &str, value: &str) -> Option<Problem> {
    if shell::specials(value).next().is_some() {
        return None;
    }
    let (last, bash) = match shell::last_of_braces(value) {
        Braces::Kept => (value.to_owned(), "removes the quotes"),
        Braces::Expanded(last) => (last, "expands the braces"),
        Braces::Unknown => return None,
    };
    let json = shell::unquoted(&last)?;
    match key {
        "resources" if !are_resources(&json) => Some(Problem::fails(
            format!("is no JSON object of numbers once bash {bash}"),
            key,
            value,
        )),
        "system-config" if !is_json(&json) => Some(Problem::fails(format!("is no JSON once bash {bash}"), key, value)),
        _ if is_json_object(value) && !is_json(&json) => {
            Some(Problem::may_fail(format!("is no JSON once bash {bash}"), key, value))
        }
        _ if last != value => Some(Problem::may_fail(
            "has braces outside quotes; bash expands them into several words",
            key,
            value,
        )),
        _ => None,
    }
}
