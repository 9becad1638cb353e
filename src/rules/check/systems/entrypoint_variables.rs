//! Finds variables in an `entrypoint` that bash in the submitter replaces, and that the submitter does not have.

use std::collections::HashSet;

use crate::diag::{listed, quoted};
use crate::k8s::json::{items, text};
use crate::policy::settings::Action;
use crate::ray::shell::{self, Special};
use crate::ray::workload::SIDECAR_MODE;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG730",
    title: "Variables in the entrypoint must exist in the submitter",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("entrypoint_variables.md"),
    evidence: &[Evidence::Reason(
        "bash in the submitter replaces the variable, and only its image may still define it (ray-project/kuberay#3929)",
    )],
    run,
};

/// What KubeRay sets in the submitter (KubeRay 1.7, `rayjob_controller.go`, `configureSubmitterContainer`).
const KUBERAYS: [&str; 4] = [
    "PYTHONUNBUFFERED",
    "RAY_DASHBOARD_ADDRESS",
    "RAY_JOB_SUBMISSION_ID",
    "RAY_ADDRESS",
];

/// What images, the kubelet and bash set in every container.
const EVERYWHERE: [&str; 20] = [
    "EUID", "HOME", "HOSTNAME", "HOSTTYPE", "IFS", "LANG", "LC_ALL", "LINENO", "LOGNAME", "OLDPWD", "OSTYPE", "PATH",
    "PPID", "PWD", "RANDOM", "SECONDS", "SHELL", "TZ", "UID", "USER",
];

/// The most variables that a message names.
const SHOWN: usize = 5;

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(entrypoint) = text(job.spec, "entrypoint") else {
        return;
    };
    let submitter = job.submitter().filter(|_| job.submission_mode() != SIDECAR_MODE);
    let main = submitter.and_then(|submitter| submitter.main());
    let takes_others = main.is_some_and(|main| !items(main.value, "envFrom").is_empty());
    if !super::passes_a_shell(cx, job) || takes_others {
        return;
    }
    let is_set = |name: &str| {
        KUBERAYS.contains(&name)
            || EVERYWHERE.contains(&name)
            || name.starts_with("BASH")
            || name.starts_with("KUBERNETES_")
            || ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"]
                .iter()
                .any(|end| name.ends_with(end))
            || main.is_some_and(|main| main.env(name).is_some())
    };
    let used = shell::specials(entrypoint.trim()).filter_map(|special| match special {
        Special::Variable(name) => Some(name),
        _ => None,
    });
    let mut used = used.peekable();
    if used.peek().is_none() {
        return;
    }
    let assigned = assigned(entrypoint);
    let mut seen = HashSet::new();
    let missing: Vec<&str> = used
        .filter(|name| !name.is_empty() && seen.insert(*name) && !assigned.contains(name) && !is_set(name))
        .take(SHOWN)
        .collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(|name| quoted(&format!("${name}"))).collect();
    findings.push(
        Finding::new(
            job.job_path("entrypoint"),
            format!(
                "entrypoint: bash replaces {} in the submitter, which does not have {}",
                listed(&names),
                if names.len() == 1 { "it" } else { "them" }
            ),
        )
        .about(missing.iter().copied())
        .fix("write bash -c '…' around the whole command, so that the head replaces it, or set it in the submitter's pod template"),
    );
}

/// The variables to which the text itself gives a value: `NAME=…`, `for NAME in …` and `read NAME`.
fn assigned(text: &str) -> HashSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut assigned = HashSet::new();
    let mut before = "";
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let word = rest.get(start..).unwrap_or_default();
        let (word, after) = word.split_at(word.find(|c| !is_word(c)).unwrap_or(word.len()));
        if after.starts_with('=') || matches!(before, "for" | "read") {
            assigned.insert(word);
        }
        (before, rest) = (word, after);
    }
    assigned
}
