//! Finds a `jobId` with other characters than letters, digits, `.`, `_` and `-`.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG707",
    title: "jobId must be a name that Ray accepts",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("job_id.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/common/job.go",
        &[128],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(id) = text(job.spec, "jobId") else { return };
    if id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    {
        return;
    }
    findings.push(
        Finding::new(
            job.job_path("jobId"),
            format!("jobId {} breaks the submitter's script", quoted(id)),
        )
        .fix("use letters, digits, dots, dashes and underscores, or leave jobId out"),
    );
}
