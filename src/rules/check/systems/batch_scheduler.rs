//! Finds a RayJob with the queue label of one batch scheduler whose pods name another `schedulerName`.

use crate::diag::quoted;
use crate::k8s::json::text;
use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG711",
    title: "Queue labels should fit the scheduler",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("batch_scheduler.md"),
    evidence: &[Evidence::Reason(
        "the scheduler does not read the queue label of another scheduler",
    )],
    run,
};

const QUEUES: [(&str, &str); 2] = [
    ("volcano.sh/queue-name", "volcano"),
    ("yunikorn.apache.org/queue", "yunikorn"),
];

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for (label, scheduler) in QUEUES {
        if job.label(label).is_none_or(str::is_empty) {
            continue;
        }
        for pod in job.ray_pods() {
            let Some(named) = text(pod.spec, "schedulerName").filter(|name| !name.is_empty() && *name != scheduler)
            else {
                continue;
            };
            findings.push(
                Finding::new(
                    pod.spec_path().then_key("schedulerName"),
                    format!(
                        "{}: scheduler {} does not read the label {label}",
                        pod.title(),
                        quoted(named)
                    ),
                )
                .fix(format!("leave schedulerName out, or set it to {scheduler}")),
            );
        }
    }
}
