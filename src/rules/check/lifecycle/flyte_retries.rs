//! Finds a `backoffLimit` above 0 on a RayJob that Flyte made.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG406",
    title: "Flyte, not KubeRay, should retry Flyte's RayJobs",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::since(KubeRay::V1_2),
    page: include_str!("flyte_retries.md"),
    evidence: &[Evidence::Reason(
        "the Ray plugin of Flyte does not know the status `Retrying` and reports an error",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let retries = job.number("backoffLimit").unwrap_or(0);
    if retries > 0 && flyte::made_by_flyte(job) {
        findings.push(
            Finding::new(
                job.job_path("backoffLimit"),
                format!("backoffLimit {retries}: Flyte does not know KubeRay's status Retrying and reports an error"),
            )
            .fix("leave backoffLimit out")
            .flyte("@task(retries=…)")
            .weight(retries),
        );
    }
}
