//! Finds a worker group with more `minReplicas` than `maxReplicas`, on KubeRay 1.1 to 1.5.

use crate::policy::settings::Action;
use crate::ray::{Kinds, KubeRay, Workload, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG508",
    title: "minReplicas should not exceed replicas in KubeRay 1.1 to 1.5",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::between(KubeRay::V1_1, KubeRay::V1_5),
    page: include_str!("min_above_max.md"),
    evidence: &[Evidence::Source(
        "KubeRay 1.5.1",
        "ray-operator/controllers/ray/utils/util.go",
        &[394],
    )],
    run,
};

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in job.workers() {
        let (least, most) = super::bounds(pod);
        if least > most {
            findings.push(
                Finding::new(
                    pod.group_path().then_key("minReplicas"),
                    format!(
                        "{}: minReplicas {least} is above maxReplicas {most}, KubeRay uses {most}",
                        pod.title()
                    ),
                )
                .fix("set minReplicas to at most maxReplicas")
                .flyte(flyte::setting(pod, &format!("min_replicas={}", most.max(0))))
                .weight(least.saturating_sub(most)),
            );
        }
    }
}
