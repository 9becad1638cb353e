//! Finds variables in an `entrypoint` that bash in the submitter replaces, and that the submitter does not have.

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
            || is_assigned(entrypoint, name)
    };
    let mut missing: Vec<&str> = Vec::new();
    for special in shell::specials(entrypoint.trim()) {
        if let Special::Variable(name) = special
            && !name.is_empty()
            && !is_set(name)
            && !missing.contains(&name)
        {
            missing.push(name);
        }
    }
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
        .fix("write bash -c '…' around the whole command, so that the head replaces it, or set it in the submitter's pod template"),
    );
}

/// Whether the text itself gives the variable a value: `NAME=…`, or `for NAME in …`.
fn is_assigned(text: &str, name: &str) -> bool {
    text.contains(&format!("{name}="))
        || text.contains(&format!("for {name} in"))
        || text.contains(&format!("read {name}"))
}
