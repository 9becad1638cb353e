//! Finds a worker group with more pods, at the autoscaler's most, than `limits.maxWorkersPerGroup`.

use crate::diag::counted;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload, facts, flyte};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::edit::Op;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG506",
    title: "Workers of a group must not exceed the policy's limit",
    action: Action::Fix,
    fixes: true,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("max_workers.md"),
    evidence: &[Evidence::Limit("maxWorkersPerGroup")],
    run,
};

fn run(cx: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    let Some(most) = cx.policy.limits.max_workers_per_group else {
        return;
    };
    for pod in job.workers() {
        let begins = facts::replicas(pod);
        let grows = facts::pods_at_most(job, pod);
        if grows <= most {
            continue;
        }
        let (key, workers, argument) = if begins > most {
            ("replicas", begins, "replicas")
        } else {
            ("maxReplicas", grows, "max_replicas")
        };
        let allowed = most / pod.group_number("numOfHosts", 1).max(1);
        let path = pod.group_path().then_key(key);
        let finding = Finding::new(
            path.clone(),
            format!(
                "{}: {}, a group may have {most}",
                pod.title(),
                counted(workers, "worker")
            ),
        )
        .fix(format!("set {key} to at most {allowed}"))
        .flyte(flyte::setting(pod, &format!("{argument}={allowed}")))
        .weight(workers);
        let is_safe = begins <= most && allowed > 0;
        findings.push(if is_safe {
            finding.repair(
                format!("{}: maxReplicas lowered to {allowed}", pod.title()),
                path,
                Op::Set(allowed.into()),
            )
        } else {
            finding
        });
    }
}
