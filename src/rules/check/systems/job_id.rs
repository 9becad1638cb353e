//! Finds a `jobId` with other characters than letters, digits, `.`, `_` and `-`.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::shell::{self, Braces};
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
    evidence: &[
        Evidence::Source("KubeRay 1.7.0", "ray-operator/controllers/ray/common/job.go", &[128]),
        Evidence::Source(
            "KubeRay 1.7.0",
            "ray-operator/controllers/ray/utils/dashboardclient/dashboard_httpclient.go",
            &[155],
        ),
    ],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(id) = text(job.spec, "jobId") else { return };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if id.bytes().all(is_plain) {
        return;
    }
    let breaks_script = super::submits_by_command(job) && !reads_as_itself(id);
    let (problem, is_certain) = if breaks_script {
        ("breaks the submitter's script", true)
    } else if id.contains(['/', '?', '#', '%']) {
        ("breaks the address at which KubeRay asks for the job's status", true)
    } else {
        ("has characters that scripts and addresses may read otherwise", false)
    };
    let finding = Finding::new(job.job_path("jobId"), format!("jobId {} {problem}", quoted(id)))
        .fix("use letters, digits, dots, dashes and underscores, or leave jobId out");
    findings.push(if is_certain { finding } else { finding.warn_only() });
}

/// Whether bash makes one word of the text, and leaves it as it is.
fn reads_as_itself(text: &str) -> bool {
    shell::specials(text).next().is_none()
        && shell::last_of_braces(text) == Braces::Kept
        && shell::unquoted(text).as_deref() == Some(text)
        && !text.starts_with('~')
}
