//! Finds a worker group whose `replicas` are above `maxReplicas`, or below `minReplicas` while they are not 0.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG504",
    title: "replicas should be between minReplicas and maxReplicas",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("replicas.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.7.0",
        "ray-operator/controllers/ray/utils/util.go",
        &[389],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let (least, most) = super::bounds(pod);
        let replicas = pod.group_number("replicas", 0);
        let (bound, at, off) = if replicas > most {
            ("above maxReplicas", most, replicas.saturating_sub(most))
        } else if replicas > 0 && replicas < least && least <= most {
            ("below minReplicas", least, least.saturating_sub(replicas))
        } else {
            continue;
        };
        findings.push(
            Finding::new(
                pod.group_path().then_key("replicas"),
                format!(
                    "{}: replicas {replicas} is {bound} {at}, KubeRay would make {at}",
                    pod.title()
                ),
            )
            .fix("set replicas between minReplicas and maxReplicas")
            .flyte(flyte::setting(pod, &format!("replicas={at}")))
            .weight(off),
        );
    }
}
