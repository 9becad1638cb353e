//! # What it does
//! Finds a RayJob without any deadline: neither `activeDeadlineSeconds` nor, on KubeRay 1.6 and later,
//! `preRunningDeadlineSeconds`.
//!
//! # Why it is bad
//! Nothing ends a job whose cluster never becomes ready, and whatever pods did start hold their GPUs. KubeRay retries for
//! ever and says nothing (ray-project/kuberay#1990, flyteorg/flyte#3897).
//!
//! # What fixes it
//! A platform sets one for all jobs: `defaults: {lifecycle: {preRunningDeadlineSeconds: 14400}}`, beside a Platform that
//! names KubeRay 1.6 or later, whose field it is; before that only `activeDeadlineSeconds` is left, and how long a job may
//! take only the platform knows. Flyte sets neither field and its authors cannot, so this goes to the audit log by default.
//!
//! # Fails
//! ```yaml
//! spec: {activeDeadlineSeconds: null, preRunningDeadlineSeconds: null}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {activeDeadlineSeconds: null, preRunningDeadlineSeconds: 3600}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{KubeRay, RayJob};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG405",
    title: "the job has no deadline",
    action: Action::Audit,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("no_deadline.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
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
            Path::of(["spec", "activeDeadlineSeconds"]),
            "no deadline: if the cluster never becomes ready, nothing ends the job",
        )
        .fix(fix),
    );
}
