//! Finds a worker group with `numOfHosts` below 1, or with so many replicas and hosts that their product does not fit
//! into 32 bits.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, facts};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG503",
    title: "numOfHosts must be at least 1 and give a pod count that KubeRay can hold",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("hosts.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/util.go",
        &[406],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let hosts = pod.group_number("numOfHosts", 1);
        let pods = facts::replicas(pod);
        let message = if hosts < 1 {
            format!("{}: numOfHosts {hosts}, KubeRay would make no workers", pod.title())
        } else if hosts > 1 && pods > i64::from(i32::MAX) {
            format!(
                "{}: replicas times numOfHosts is {pods}, more than KubeRay can count",
                pod.title()
            )
        } else {
            continue;
        };
        findings.push(
            Finding::new(pod.group_path().then_key("numOfHosts"), message)
                .fix("set numOfHosts to 1, or to the hosts of one TPU slice")
                .weight(pods),
        );
    }
}
