//! # What it does
//! Finds a RayJob with more pods, at the autoscaler's most, than `limits.maxPodsPerJob`: head, workers, and the submitter
//! where a template for it is given. Without that limit it finds nothing.
//!
//! # Why it is bad
//! Thousands of pods of one job slow the API server and the scheduler down for everyone.
//!
//! # What fixes it
//! Fewer, larger workers: `WorkerNodeConfig(group_name="a", replicas=8, max_replicas=16)`. Every KubeRay release.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {maxPodsPerJob: 2}}
//! spec: {rayClusterSpec: {workerGroupSpecs: [{replicas: 2, minReplicas: 2, maxReplicas: 2}]}}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {maxPodsPerJob: 3}}
//! spec: {rayClusterSpec: {workerGroupSpecs: [{replicas: 2, minReplicas: 2, maxReplicas: 2}]}}
//! ```

use crate::k8s::path::Path;
use crate::policy::settings::Action;
use crate::ray::{RayJob, Role, facts};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG507",
    title: "the job has more pods than allowed",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("max_pods.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_pods_per_job else {
        return;
    };
    let pods = job.pods.iter().fold(0, |sum: i64, pod| {
        sum.saturating_add(match pod.role {
            Role::Worker if job.autoscales() => facts::max_replicas(pod).max(facts::replicas(pod)),
            Role::Worker => facts::replicas(pod),
            Role::Head | Role::Submitter => 1,
        })
    });
    if pods > most && job.cluster.is_some() {
        findings.push(
            Finding::new(
                Path::of(["spec", "rayClusterSpec", "workerGroupSpecs"]),
                format!("{pods} pods are more than the allowed {most} of one job"),
            )
            .fix("ask for fewer or larger workers, or a lower maxReplicas")
            .flyte("WorkerNodeConfig(replicas=…, max_replicas=…)")
            .weight(pods),
        );
    }
}
