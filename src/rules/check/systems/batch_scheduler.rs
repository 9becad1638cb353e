//! # What it does
//! Finds a RayJob with the queue label of one batch scheduler whose pods name another `schedulerName`: Volcano
//! (`volcano.sh/queue-name`, scheduler `volcano`) and YuniKorn (`yunikorn.apache.org/queue`, scheduler `yunikorn`).
//!
//! # Why it is bad
//! The named scheduler does not read the other's label: the job runs outside its queue, or its pods wait for a gang that nobody
//! made. Where no scheduler is named, KubeRay sets the one that it is configured for.
//!
//! # What fixes it
//! Leave `schedulerName` out of the pod templates, or the label off the RayJob. Flyte's k8s plugin sets the name with
//! `scheduler-name`. Every KubeRay release.
//!
//! # Fails
//! ```yaml
//! metadata: {labels: {volcano.sh/queue-name: gpu}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {schedulerName: yunikorn}}}}}
//! ```
//!
//! # Passes
//! ```yaml
//! metadata: {labels: {volcano.sh/queue-name: gpu}}
//! spec: {rayClusterSpec: {headGroupSpec: {template: {spec: {schedulerName: volcano}}}}}
//! ```

use crate::k8s::text::quoted;
use crate::policy::settings::Action;
use crate::ray::RayJob;
use crate::ray::job::text;
use crate::rules::check::{Check, Versions};
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG711",
    title: "a queue's label does not fit the scheduler",
    action: Action::Warn,
    fixes: false,
    versions: Versions::ALL,
    page: include_str!("batch_scheduler.rs"),
    run,
};

const QUEUES: [(&str, &str); 2] = [
    ("volcano.sh/queue-name", "volcano"),
    ("yunikorn.apache.org/queue", "yunikorn"),
];

fn run(_: &Cx<'_>, job: &RayJob<'_>, findings: &mut Findings) {
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
