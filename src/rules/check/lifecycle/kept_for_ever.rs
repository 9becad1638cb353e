//! Finds a RayJob whose cluster nothing deletes.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, facts};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG408",
    title: "Clusters should be deleted after the RayJob ends",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("kept_for_ever.md"),
    evidence: &[Evidence::Reason(
        "KubeRay keeps the cluster of a finished job by default (ray-project/kuberay#1023)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let has = |key| job.spec.get(key).is_some_and(|value| !value.is_null());
    if !job.spec.is_object()
        || job.flag("shutdownAfterJobFinishes")
        || job.selects_cluster()
        || has("deletionStrategy")
        || has("deletionPolicy")
    {
        return;
    }
    let gpus = match facts::gpus(job, &cx.platform.devices) {
        0 => "",
        _ => " with its accelerators",
    };
    findings.push(
        Finding::new(
            job.job_path("shutdownAfterJobFinishes"),
            format!("the cluster is kept after the job{gpus} until somebody deletes it"),
        )
        .fix("set shutdownAfterJobFinishes to true")
        .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
    );
}
