//! # What it does
//! Finds a RayJob whose pods together reserve more CPUs than `limits.maxCpusPerJob`, at the autoscaler's most. A pod counts
//! as the scheduler counts it: containers and native sidecars together, or an init container where that needs more; the
//! pod's own `resources` before those of its containers; `overhead`; and KubeRay's autoscaler.
//!
//! # Why it is bad
//! It takes more of the cluster than its policy allows one job. Without such a limit the check finds nothing. Flyte's
//! own platform limits do not reach the groups of a Ray cluster.
//!
//! # What fixes it
//! Ask for fewer CPUs a pod, or fewer pods: `WorkerNodeConfig(replicas=4, max_replicas=8)`.
//!
//! # Fails
//! ```yaml
//! policy: {limits: {maxCpusPerJob: "19"}}
//! ```
//!
//! # Passes
//! ```yaml
//! policy: {limits: {maxCpusPerJob: "20"}}
//! ```

use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::facts::{Facts, size};
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Findings};

use super::over_budget;

/// The check.
pub const CHECK: Check = Check {
    code: "RG213",
    title: "the job asks for more CPUs than one job may have",
    action: Action::Deny,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("max_cpus.rs"),
    run,
};

fn run(cx: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
    let Some(cap) = cx.policy.limits.max_cpus_per_job.as_ref() else {
        return;
    };
    let milli_cpus = Facts::of(job, &[]).max_milli_cpus;
    if milli_cpus <= cap.milli_value() {
        return;
    }
    let cpus = if milli_cpus % 1000 == 0 {
        (milli_cpus / 1000).to_string()
    } else {
        format!("{milli_cpus}m")
    };
    findings.extend(over_budget(
        job,
        &format!("{cpus} CPUs"),
        &cap.to_string(),
        milli_cpus,
        |pod| size(pod, &[]).milli_cpus,
    ));
}
