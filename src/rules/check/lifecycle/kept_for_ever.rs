//! # What it does
//! Finds a RayJob whose cluster nothing deletes: it is not shut down, has no deletion strategy, and does not use a cluster
//! that exists already.
//!
//! # Why it is bad
//! KubeRay's default keeps the cluster when the job is over, with all its nodes, until somebody deletes the RayJob
//! (ray-project/kuberay#1023).
//!
//! # What fixes it
//! `RayJobConfig(shutdown_after_job_finishes=True, ttl_seconds_after_finished=300)`. The policies that raygate ships set both
//! where they are left out. Every KubeRay release.
//!
//! # Fails
//! ```yaml
//! spec: {shutdownAfterJobFinishes: false, ttlSecondsAfterFinished: 0}
//! ```
//!
//! # Passes
//! ```yaml
//! spec: {shutdownAfterJobFinishes: true}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG408",
    title: "the cluster is kept for ever",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("kept_for_ever.rs"),
    run,
};

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let has = |key| job.spec.get(key).is_some_and(|value| !value.is_null());
    if !job.spec.is_object()
        || job.flag("shutdownAfterJobFinishes")
        || job.selects_cluster()
        || has("deletionStrategy")
        || has("deletionPolicy")
    {
        return;
    }
    findings.push(
        Finding::new(
            Path::of(["spec", "shutdownAfterJobFinishes"]),
            "the cluster is kept for ever after the job, with its GPUs",
        )
        .fix("set shutdownAfterJobFinishes to true")
        .flyte("RayJobConfig(shutdown_after_job_finishes=True)"),
    );
}
