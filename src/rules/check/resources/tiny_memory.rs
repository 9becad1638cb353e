//! Finds a container whose memory limit is below 6 MB.

use crate::policy::settings::Action;
use crate::ray::{Kinds, Workload};
use crate::rules::check::{Check, Evidence, Versions};
use crate::rules::{Cx, Finding, Findings};

use super::{place, setting};

/// The check.
pub const CHECK: Check = Check {
    code: "RG217",
    title: "Memory limits must be large enough for a process",
    action: Action::Deny,
    fixes: false,
    kinds: Kinds::All,
    versions: Versions::ALL,
    page: include_str!("tiny_memory.md"),
    evidence: &[Evidence::Source("runc 1.3.3", "libcontainer/process_linux.go", &[628])],
    run,
};

/// The least memory that container runtimes accept, in bytes.
pub const LEAST: i64 = 6_000_000;

fn run(_: &Cx<'_>, job: &Workload<'_>, findings: &mut Findings) {
    for pod in &job.pods {
        for container in &pod.containers {
            let Some(limit) = container.limit("memory") else {
                continue;
            };
            let Some(quantity) = limit.quantity() else {
                continue;
            };
            if quantity.is_zero() || quantity.is_negative() || quantity.value() >= LEAST {
                continue;
            }
            let seen = limit.seen();
            let meant = match seen.strip_suffix('m') {
                Some(number) => format!("{number}Mi"),
                None if seen.bytes().all(|byte| byte.is_ascii_digit()) => format!("{seen}Gi"),
                None => "1Gi".to_owned(),
            };
            findings.push(
                Finding::new(
                    pod.container_path(container).keys(["resources", "limits", "memory"]),
                    format!(
                        "{}: memory limit {seen} is {} bytes, no process can start",
                        place(pod, container),
                        quantity.value()
                    ),
                )
                .fix(format!("write the unit, such as {meant}"))
                .flyte(setting(pod, container, "limits", "memory", &meant)),
            );
        }
    }
}
