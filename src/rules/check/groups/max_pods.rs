//! Finds a RayJob with more pods, at the autoscaler's most, than `limits.maxPodsPerJob`.

use crate::diag::counted;
use crate::policy::settings::Action;
use crate::ray::facts::pods_at_most;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG507",
    title: "Pods must not exceed the policy's limit",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_pods.md"),
    evidence: &[Evidence::Budget("maxPodsPerJob")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_pods_per_job else {
        return;
    };
    let pods = job
        .pods
        .iter()
        .fold(0, |sum: i64, pod| sum.saturating_add(pods_at_most(job, pod)));
    if pods > most && job.cluster.is_some() {
        findings.push(
            Finding::new(
                job.kind.groups_path(),
                format!("{}, one {} may have {most}", counted(pods, "pod"), job.kind.word),
            )
            .fix("ask for fewer or larger workers, or a lower maxReplicas")
            .flyte("WorkerNodeConfig(replicas=…, max_replicas=…)")
            .weight(pods),
        );
    }
}
