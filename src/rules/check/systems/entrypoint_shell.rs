//! Finds shell operators outside quotation marks in an `entrypoint` that bash reads first.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::shell::{self, Special};
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG704",
    title: "The entrypoint must survive the submitter's shell",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_3),
    page: include_str!("entrypoint_shell.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/job.go",
        &[205],
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(entrypoint) = text(job.spec, "entrypoint") else {
        return;
    };
    if !super::passes_a_shell(cx, job) {
        return;
    }
    let problem = shell::specials(entrypoint.trim()).find_map(|special| match special {
        Special::Blank | Special::Variable(_) => None,
        Special::Operator('\n') => Some("is cut at a line end, the rest runs in the submitter".to_owned()),
        Special::Operator(operator) => Some(format!(
            "is cut at {}, the rest runs in the submitter",
            quoted(&operator.to_string())
        )),
        Special::Command => Some("has a command in `$(…)` or backquotes, which runs in the submitter".to_owned()),
        Special::Comment => Some("has a `#`, which breaks the submitter's script".to_owned()),
        Special::Unclosed(_) => Some("has a quotation mark without its end, which breaks the submitter".to_owned()),
    });
    if let Some(problem) = problem {
        findings.push(
            Finding::new(job.job_path("entrypoint"), format!("entrypoint {problem}"))
                .fix("write bash -c '…' around the whole command"),
        );
    }
}
