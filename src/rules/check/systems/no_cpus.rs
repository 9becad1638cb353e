//! Finds a job whose cluster offers no CPU to tasks.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::entrypoint_needs::most_offered;
use super::offer;

/// The check.
pub const CHECK: Check = Check {
    code: "RG731",
    title: "The cluster of a job must offer CPUs to tasks",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::Jobs,
    versions: Versions::ALL,
    page: include_str!("no_cpus.md"),
    evidence: &[Evidence::Reason(
        "tasks and actors never start, but a job may run without them (ray-project/kuberay#2105)",
    )],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(head) = job.head().filter(|_| most_offered(cx, job, offer::cpus) == Some(0)) else {
        return;
    };
    let others = if job.workers().next().is_none() {
        "and there are no workers"
    } else {
        "and no worker offers any"
    };
    findings.push(
        Finding::new(
            job.nearest(head.group_path().keys(["rayStartParams", "num-cpus"])),
            format!("head: it offers no CPUs to tasks, {others}; tasks never start"),
        )
        .fix("add a worker group with replicas, or remove num-cpus from the head")
        .flyte("RayJobConfig(worker_node_config=[WorkerNodeConfig(group_name=\"workers\", replicas=1)])"),
    );
}
