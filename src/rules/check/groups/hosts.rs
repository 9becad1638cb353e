//! Finds a worker group with `numOfHosts` below 1, or with so many replicas and hosts that their product does not fit
//! into 32 bits.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, facts};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG503",
    title: "numOfHosts should be at least 1 and give a pod count that KubeRay can hold",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("hosts.md"),
    evidence: &[Evidence::Reason(
        "KubeRay 1.1 to 1.3 take less than one host for one, and a cluster of the head alone may run the job",
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let hosts = pod.group_number("numOfHosts", 1);
        let pods = facts::replicas(pod);
        let message = if hosts < 1 {
            format!(
                "{}: numOfHosts {hosts}; KubeRay 1.4 and later create no workers",
                pod.title()
            )
        } else if hosts > 1 && pods > i64::from(i32::MAX) {
            format!(
                "{}: replicas times numOfHosts is {pods}; KubeRay cannot count so many",
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
