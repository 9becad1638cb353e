//! Finds a submitter or an autoscaler with too little memory to run.

use crate::policy::settings::Action;
use crate::ray::container::Slot;
use crate::ray::workload::K8S_JOB_MODE;
use crate::ray::{Kinds, Role, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::inject::submitter::runs_no_driver;
use crate::rules::{Cx, Finding, Findings};

/// The check.
pub const CHECK: Check = Check {
    code: "RG220",
    title: "The submitter and the autoscaler need memory to run",
    action: Action::Warn,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("helper_memory.md"),
    evidence: &[Evidence::Reason(
        "how much memory they take depends on Ray's release and on the size of the logs (ray-project/kuberay#4705)",
    )],
    run,
};

/// At this limit the submitter was killed in the report, in bytes.
const KILLED_SUBMITTER: i64 = 256 << 20;
/// Twice what Python has loaded when the autoscaler of Ray 2.52 starts (66 MiB measured), in bytes.
const LEAST_AUTOSCALER: i64 = 128 << 20;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        let is_used = pod.role != Role::Submitter || job.submission_mode() == K8S_JOB_MODE;
        for container in pod.everywhere().filter(|_| is_used) {
            let (what, least, wanted) = match (pod.role, container.slot) {
                (Role::Submitter, Slot::Main) if container.index == 0 && runs_no_driver(container.value) => {
                    ("`ray job submit` is killed", KILLED_SUBMITTER + 1, "512Mi")
                }
                (_, Slot::Autoscaler) => ("the autoscaler is killed", LEAST_AUTOSCALER, "512Mi"),
                _ => continue,
            };
            let Some((limit, quantity)) = container
                .limit("memory")
                .and_then(|limit| Some((limit, limit.quantity()?)))
            else {
                continue;
            };
            if quantity.is_zero() || quantity.value() >= least {
                continue;
            }
            findings.push(
                Finding::new(
                    pod.container_path(container).keys(["resources", "limits", "memory"]),
                    format!(
                        "{}: memory limit {} is so little that {what}",
                        pod.title(),
                        limit.seen()
                    ),
                )
                .fix(format!("set limits.memory to at least {wanted}")),
            );
        }
    }
}
