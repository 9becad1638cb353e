//! Finds a RayJob without any deadline.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG405",
    title: "RayJobs should have a deadline",
    action: Action::Audit,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("no_deadline.md"),
    evidence: &[Evidence::Reason(
        "KubeRay waits without end for a cluster that never becomes ready (ray-project/kuberay#1990, flyteorg/flyte#3897)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let has = |key| job.spec.get(key).is_some_and(|value| !value.is_null());
    let knows_pre_running = cx.kuberay() >= KubeRay::V1_6;
    if !job.spec.is_object()
        || job.selects_cluster()
        || has("activeDeadlineSeconds")
        || (knows_pre_running && has("preRunningDeadlineSeconds"))
    {
        return;
    }
    let fix = if knows_pre_running {
        "set preRunningDeadlineSeconds or activeDeadlineSeconds"
    } else {
        "set activeDeadlineSeconds"
    };
    findings.push(
        Finding::new(
            job.job_path("activeDeadlineSeconds"),
            "no deadline: if the cluster never becomes ready, nothing ends the job",
        )
        .fix(fix),
    );
}
