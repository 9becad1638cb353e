//! Finds a worker group of an autoscaled job with `maxReplicas` at its default, 2147483647.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG505",
    title: "Autoscaled worker groups should have maxReplicas",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("unbounded.md"),
    evidence: &[Evidence::Reason(
        "one loop that submits too many tasks can take every GPU of the platform (ray-project/kuberay#1963)",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    if !job.autoscales() {
        return;
    }
    let unbounded = |most: i64| most >= i64::from(i32::MAX);
    for pod in job.workers().filter(|pod| unbounded(super::bounds(pod).1)) {
        findings.push(
            Finding::new(
                pod.group_path().then_key("maxReplicas"),
                format!("{}: autoscaling without a maximum may take every node", pod.title()),
            )
            .fix("set maxReplicas to the most workers that the job may have")
            .flyte(flyte::setting(pod, "max_replicas=…")),
        );
    }
}
